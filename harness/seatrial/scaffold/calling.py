"""What the factory must be called with, where its signature alone does not say."""

import ast
import re
from dataclasses import dataclass

from seatrial.scaffold.candidates import Candidate
from seatrial.scaffold.project import Project, text_of


@dataclass(frozen=True, slots=True)
class Argument:
    """`factory` and `factory_argument` of the configuration, and where they come from."""

    kind: str
    value: str
    why: str


_CHOOSES = re.compile(r"name|env|mode|profile|conf|setting", re.IGNORECASE)


def argument(project: Project, chosen: Candidate, *, class_wanted: bool) -> Argument | None:
    """What the factory must be handed, where its signature alone does not say; None leaves it to the harness.

    `class_wanted`: the database's URL has no other way in than through the configuration class.
    """
    if chosen.factory is None:
        return None
    positional = [*chosen.factory.args.posonlyargs, *chosen.factory.args.args]
    if not positional:
        return None
    defaults = chosen.factory.args.defaults
    default = defaults[0] if len(defaults) == len(positional) else None
    required = default is None
    given = [(module, call.args[0] if call.args else call.keywords[0].value) for module, call in chosen.calls
             if call.args or call.keywords]  # fmt: skip
    if default is not None:
        given.append((chosen.module, default))
    for module, value in given:
        as_class = project.class_named(module.dotted(value)) if isinstance(value, ast.Name | ast.Attribute) else None
        if as_class is not None:
            if not (required or class_wanted):
                return None
            return Argument("class", as_class, f"as in {module.place(value)}")
    if not _CHOOSES.search(positional[0].arg):
        return None
    texts = [(module, value, text) for module, value in given if (text := text_of(value)) is not None]
    named = _production(project)
    takes_text = bool(texts) or required or re.search("name|env|mode|profile", positional[0].arg) is not None
    if named is not None and takes_text:
        return Argument("string", named[0], f"{named[1]} knows it")
    for module, value, text in texts:
        if required:
            return Argument("string", text, f"as in {module.place(value)}")
    return None


def _production(project: Project) -> tuple[str, str] | None:
    """The key that stands for production in a dict of configuration classes, and where it is."""
    for module in project.app_modules:
        for node in module.nodes:
            if not isinstance(node, ast.Dict) or len(node.keys) < 2:
                continue
            entries = {text_of(key): value for key, value in zip(node.keys, node.values, strict=True)}
            key = next((k for k in ("production", "prod", "Production") if k in entries), None)
            classes = [v for v in entries.values() if isinstance(v, ast.Name | ast.Attribute) or text_of(v)]
            if key is not None and len(classes) == len(entries):
                return key, module.place(node)
    return None
