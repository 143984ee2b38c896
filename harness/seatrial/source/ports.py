"""Classes that talk to other machines, and the ports that routes could depend on in their place."""

from __future__ import annotations

from collections.abc import Iterator

from seatrial.model.structure import Provider
from seatrial.source.externals import Externals
from seatrial.source.facts import Class, Function, Module
from seatrial.source.project import Project


class Ports:
    def __init__(self, project: Project, externals: Externals) -> None:
        self._project = project
        self._providers: dict[tuple[str, str], str] = {}
        """By path and qualified name: what a class talks with."""
        self._ports: list[tuple[Module, Class]] = []
        for module in project.modules.values():
            for cls in module.classes.values():
                if any(base.rpartition(".")[2].partition("[")[0] in ("Protocol", "ABC") for base in cls.bases):
                    self._ports.append((module, cls))
                elif not externals.is_service(module.path) and not externals.is_route(module.path):
                    packages = [o.package for f in cls.methods.values() for o in externals.direct(module, f)]
                    if packages:
                        self._providers[module.path, cls.qualname] = packages[0]

    def named(self, module: Module, function: Function) -> tuple[Provider, ...]:
        """The providers that a function makes or calls by their class."""
        return tuple({provider.name: provider for provider in reversed(list(self._named(module, function)))}.values())

    def _named(self, module: Module, function: Function) -> Iterator[Provider]:
        if not self._providers:
            return
        for call in function.calls:
            made = self._project.made_of(module, call.chain, function).partition("(")[0]
            found = self._project.cls(module, made) or self._located(made)
            if found is None:
                continue
            owner, cls = found
            package = self._providers.get((owner.path, cls.qualname))
            if package:
                methods = tuple(name for name in cls.methods if not name.startswith("_"))
                place = self._project.lines.place(module.path, call.line)
                yield Provider(_dotted(owner, cls), package, methods, place, self._port(cls))

    def _located(self, dotted: str) -> tuple[Module, Class] | None:
        found = self._project.locate(dotted)
        if found is None:
            return None
        owner, name = found
        while name:
            if name in owner.classes:
                return owner, owner.classes[name]
            name = name.rpartition(".")[0]
        return None

    def _port(self, provider: Class) -> str:
        """A Protocol or an ABC whose methods the provider has."""
        for base in provider.bases:
            for module, port in self._ports:
                if base.rpartition(".")[2] == port.name:
                    return _dotted(module, port)
        for module, port in self._ports:
            wanted = {name for name in port.methods if not name.startswith("_")}
            if wanted and wanted <= set(provider.methods):
                return _dotted(module, port)
        return ""


def _dotted(module: Module, cls: Class) -> str:
    return f"{module.name or module.path}:{cls.qualname}"
