"""Everything that was read of one tree, and what a name in one file stands for in another."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from seatrial.collecting import without_collector
from seatrial.source.facts import Class, Function, Module, Ref, Value
from seatrial.source.files import Found, Lines, find, import_root, module_name
from seatrial.source.reader import Unreadable, read

_DEPTH = 6
"""Re-exports that are followed."""


@dataclass(slots=True)
class Project:
    root: Path
    modules: dict[str, Module] = field(default_factory=dict)
    """By path."""
    by_name: dict[str, Module] = field(default_factory=dict)
    templates: list[str] = field(default_factory=list)
    unread: dict[str, str] = field(default_factory=dict)
    """Path and reason."""
    prefix: str = ""
    """Of a src layout."""
    borrowed: dict[str, Module | None] = field(default_factory=dict)
    """By name: modules outside of the sources that are looked into for a name, and judged by no rule."""
    lines: Lines = field(init=False)

    def __post_init__(self) -> None:
        self.lines = Lines(self.root)

    @classmethod
    def read(cls, root: Path, sources: tuple[str, ...] = (".",)) -> Project:
        found: Found = find(root, sources)
        project = cls(root, templates=found.templates, unread=dict(found.left_out))
        prefix = project.prefix = import_root(root, found.python)
        with without_collector():
            for path in found.python:
                try:
                    module = read(path, module_name(path, prefix), (root / path).read_bytes())
                except Unreadable as error:
                    project.unread[path] = str(error)
                except OSError as error:
                    project.unread[path] = f"cannot be read ({error.strerror})"
                else:
                    project.modules[path] = module
                    if module.name:
                        project.by_name.setdefault(module.name, module)
        return project

    # ------------------------------------------------------------------ names
    def dotted(self, module: Module, chain: str, scope: str = "") -> str:
        """A chain with its first name resolved: `requests.post` of `http.post`; a call or index in it ends that."""
        first, separator, rest = _split(chain)
        target = module.imports.get(first)
        if target is None:
            target = f"{module.name}.{first}" if self._defines(module, first) and module.name else first
        return target + separator + rest

    def _defines(self, module: Module, name: str) -> bool:
        return (
            name in module.functions
            or name in module.classes
            or any(assigned.name == name for assigned in module.body.assigned)
        )

    def locate(self, dotted: str, depth: int = _DEPTH) -> tuple[Module, str] | None:
        """Module and name of what a dotted name leads to, through re-exports: `app.api.Items.get` → (`app.api`, …)."""
        owner, rest = dotted, ""
        while owner:
            module = self.by_name.get(owner) or self._borrow(owner)
            if module is not None:
                break
            owner, _, name = owner.rpartition(".")
            rest = f"{name}.{rest}" if rest else name
        else:
            return None
        if not rest:
            return module, ""
        first, _, more = rest.partition(".")
        target = module.imports.get(first)
        own = first in module.functions or first in module.classes
        if target is not None and not own and depth and target != dotted:
            return self.locate(f"{target}.{more}" if more else target, depth - 1)
        return module, rest

    def through(self, dotted: str, depth: int = _DEPTH) -> str:
        """Where a dotted name leads through re-exports, also out of the project: `app.http.requests` → `requests`."""
        owner, _, name = dotted.rpartition(".")
        module = self.by_name.get(owner)
        while module is None and owner:
            owner, _, last = owner.rpartition(".")
            name = f"{last}.{name}"
            module = self.by_name.get(owner)
        if module is None or not depth:
            return dotted
        first, separator, rest = name.partition(".")
        target = module.imports.get(first)
        if target is None or first in module.functions or first in module.classes:
            return dotted
        return self.through(target + separator + rest, depth - 1)

    def _borrow(self, name: str) -> Module | None:
        """A module of the project that `sources` leave out, read when somebody needs a name of it."""
        if name not in self.borrowed:
            self.borrowed[name] = None
            stem = self.prefix + name.replace(".", "/")
            for path in (f"{stem}/__init__.py", f"{stem}.py"):
                if path not in self.modules and (self.root / path).is_file():
                    try:
                        self.borrowed[name] = read(path, name, (self.root / path).read_bytes())
                    except (Unreadable, OSError):
                        continue
                    break
        return self.borrowed[name]

    def function(self, module: Module, chain: str, scope: str = "") -> tuple[Module, Function] | None:
        """The function that a chain names, from inside of `scope`."""
        first = _split(chain)[0]
        while scope:
            local = module.functions.get(f"{scope}.<locals>.{chain}")
            if local is not None:
                return module, local
            scope = scope.rpartition(".<locals>.")[0]
        if first not in module.imports and chain in module.functions:
            return module, module.functions[chain]
        found = self.locate(self.dotted(module, chain))
        if found is None:
            return None
        owner, name = found
        function = owner.functions.get(name)
        return (owner, function) if function is not None else None

    def cls(self, module: Module, chain: str, scope: str = "") -> tuple[Module, Class] | None:
        first = _split(chain)[0]
        while scope:
            local = module.classes.get(f"{scope}.<locals>.{chain}")
            if local is not None:
                return module, local
            scope = scope.rpartition(".<locals>.")[0]
        if first not in module.imports and chain in module.classes:
            return module, module.classes[chain]
        found = self.locate(self.dotted(module, chain))
        if found is None:
            return None
        owner, name = found
        cls = owner.classes.get(name)
        return (owner, cls) if cls is not None else None

    def made_of(self, module: Module, chain: str, function: Function | None = None, depth: int = _DEPTH) -> str:
        """What a chain stands for when variables are replaced by what was assigned to them.

        `http.post` with `http = requests.Session()` in another module is `requests.Session().post`.
        """
        first, separator, rest = _split(chain)
        if not depth:
            return chain
        if function is not None:
            for assigned in function.assigned:
                if assigned.name == first and _split(assigned.chain)[0] != first:
                    return self.made_of(module, assigned.chain + separator + rest, None, depth - 1)
        target = module.imports.get(first)
        if target is not None:
            found = self.locate(f"{target}{separator}{rest}" if separator == "." else target)
            if found is None:
                return self.through(target) + separator + rest
            owner, name = found
            if separator != ".":
                name = f"{name}{separator}{rest}" if name else name
            if not name:
                return target + separator + rest
            if owner is not module or _split(name)[0] != first:
                return self.made_of(owner, name, None, depth - 1)
            return f"{owner.name}.{name}"
        for assigned in module.body.assigned:
            if assigned.name == first and _split(assigned.chain)[0] != first:
                return self.made_of(module, assigned.chain + separator + rest, None, depth - 1)
        return f"{module.name}.{chain}" if self._defines(module, first) else chain

    def expand(self, module: Module, value: Value, scope: str) -> list[Value]:
        """What a name of a loop goes through: each element with the rest of the chain behind it."""
        if not isinstance(value, Ref):
            return [value]
        first, separator, rest = _split(value.chain)
        through = module.loops.get(f"{scope}.{first}" if scope else first)
        if through is None:
            return [value]
        return [
            Ref(element.chain + separator + rest) if isinstance(element, Ref) else element if not rest else None
            for element in through
        ]


def _split(chain: str) -> tuple[str, str, str]:
    """First name, what separates it (`.`, `(`, `[`), and the rest."""
    for index, letter in enumerate(chain):
        if letter == ".":
            return chain[:index], ".", chain[index + 1 :]
        if letter in "([":
            return chain[:index], letter, chain[index + 1 :]
    return chain, "", ""
