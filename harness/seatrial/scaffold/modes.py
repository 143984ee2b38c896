"""Variables by which the app chooses its face: left alone, many show the one for developers."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.scaffold.project import Module, Project, text_of
from seatrial.scaffold.variables import Reading

_NAME = re.compile(
    r"((FLASK|APP|APPLICATION|SERVER|PROJECT|DEPLOY(MENT)?|RUNTIME)_)?"
    r"(ENV|ENVIRONMENT|ENV_NAME|MODE|PROFILE|STAGE|CONFIG|CONFIG_NAME|CONFIG_MODE|SETTINGS)"
)
_PRODUCTION = ("production", "prod", "Production", "PRODUCTION", "prd")


@dataclass(frozen=True, slots=True)
class Mode:
    """A variable, and the word for production that the app knows."""

    name: str
    value: str
    place: str
    default: str
    """What the app takes without it; empty where that is nothing."""


def modes(project: Project, readings: list[Reading]) -> list[Mode]:
    """One per variable that is not production by itself, where the source knows a word for that."""
    words = {text for module in project.app_modules for text in _words(module)}
    value = next((word for word in _PRODUCTION if word in words), "")
    found: dict[str, Mode] = {}
    for reading in readings if value else ():
        if _NAME.fullmatch(reading.name) and reading.default not in _PRODUCTION:
            found.setdefault(reading.name, Mode(reading.name, value, reading.place, reading.default))
    return list(found.values())


def _words(module: Module) -> Iterator[str]:
    """Texts that something is compared with or looked up by: what a value of such a variable could be."""
    for node in module.nodes:
        match node:
            case ast.Dict(keys=keys):
                yield from (text for key in keys if (text := text_of(key)))
            case ast.Compare(left=left, comparators=others):
                yield from (text for one in (left, *others) for inner in ast.walk(one) if (text := text_of(inner)))
            case ast.MatchValue(value=value):
                yield from filter(None, [text_of(value)])
            case ast.Subscript(slice=key):
                yield from filter(None, [text_of(key)])
            case _:
                pass
