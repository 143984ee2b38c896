"""One reading of the target's source, as evidence for the static rules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from seatrial.model.structure import (
    BlueprintViews,
    Caller,
    Checking,
    Layer,
    Outside,
    Signature,
    Structure,
    View,
)
from seatrial.source import bodies, folders, links, mypy_config, tables, thinness
from seatrial.source.bindings import Map, bindings
from seatrial.source.externals import Externals
from seatrial.source.facts import Function, Module
from seatrial.source.files import within
from seatrial.source.live import Confirmed, Live, bindings_of, confirmed
from seatrial.source.ports import Ports
from seatrial.source.project import Project


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the configuration says of the source."""

    sources: tuple[str, ...] = (".",)
    services: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    blueprints: tuple[str, ...] = ()
    """Blueprints that ARC001 looks at; empty: all."""
    canonical: Mapping[str, str] = field(default_factory=dict)
    """Table → path of the service that writes to it."""
    seeds: tuple[str, ...] = ()
    """Modules that fill tables before the trial."""
    runs_mypy: bool = True


class Survey:
    """Reads at once; judges once it is known what the built app has to say."""

    def __init__(self, root: Path, wanted: Wanted) -> None:
        self.wanted = wanted
        self.project = Project.read(root, wanted.sources)
        self.map: Map = bindings(self.project)
        self.notes: list[str] = []
        self._assume()
        self.externals = Externals(
            self.project,
            lambda path: bool(within(path, self.services)),
            lambda path: bool(within(path, self.routes)),
            follow=bool(self.services),
        )
        self.ports = Ports(self.project, self.externals)

    def _assume(self) -> None:
        paths = [*self.project.modules, *(path for path in self.project.unread if path.endswith(".py"))]
        holding = {module.path for one in self.map.bound for module, _ in one.views}
        self.services = list(self.wanted.services) or folders.guess(paths, folders.SERVICES)
        self.routes = list(self.wanted.routes) or folders.guess(paths, folders.ROUTES, holding)
        for key, given, found in (
            ("services", self.wanted.services, self.services),
            ("routes", self.wanted.routes, self.routes),
        ):
            if not given and found:
                listed = ", ".join(f'"{path}"' for path in found)
                self.notes.append(
                    f"{key} = [{listed}] was assumed from the names of folders; write it down if it is right"
                )

    # ------------------------------------------------------------------ evidence
    def structure(self, live: Live | None = None) -> Structure:
        """Everything that was read, confirmed by the built app where there is one."""
        bound = list(confirmed(self.project, self.map, live))
        views = tuple(self._views(bound))
        generated = sorted(path for path, module in self.project.modules.items() if module.generated)
        notes = [*self.notes]
        if generated:
            notes.append(f"generated, and not judged: {_some(generated)}")
        if self.project.unread:
            unread = [f"{path} ({why})" for path, why in sorted(self.project.unread.items())]
            notes.append(f"not read: {_some(unread)}")
        layers = tuple(self._layers())
        notes += [_coverage(layer) for layer in layers if layer.callables]
        notes.append(self._mapped(bound, live))
        return Structure(
            views=views,
            blueprints=tuple(self._blueprints(views)),
            callers=tuple(self._callers(bound, live)),
            bindings=tuple(bindings_of(self.project, self.map, live)),
            files=tuple(links.files(self.project, self.map, live)),
            tables=tables.writes(self.project, self.wanted.canonical, self.wanted.seeds),
            layers=layers,
            checking=tuple(self._checking(layers)),
            unread=dict(self.project.unread),
            notes=tuple(notes),
            live=live is not None,
        )

    def _mapped(self, bound: Sequence[Confirmed], live: Live | None) -> str:
        views = len({(module.path, function.qualname) for one in bound for module, function in one.views})
        names = len({one.blueprint for one in bound if one.blueprint})
        counted = f"{_count(views, 'view')} in {_count(names, 'blueprint')} were read"
        if live is None:
            opaque = f" ({self.map.opaque})" if self.map.opaque else ""
            return f"{counted} from the source alone{opaque}; the app was not built"
        lost = sorted({one.endpoint for one in bound if not one.views})
        unseen = f"; without source: {_some(lost)}" if lost else ""
        served = {route.endpoint for route in live.routes}
        unbound = sorted({one.endpoint for one in self.map.bound} - served)
        return f"{counted} and confirmed by the built app{unseen}" + (
            f"; not in it: {_some(unbound)}" if unbound else ""
        )

    def _views(self, bound: Iterable[Confirmed]) -> Iterator[View]:
        seen: set[str] = set()
        for path, why in self._unread(self.routes):
            yield View(path, "", unseen=why)
        for one in bound:
            if not one.views:
                subject = f"endpoint {one.endpoint}"
                if subject not in seen:
                    seen.add(subject)
                    yield View(subject, one.endpoint, one.blueprint, unseen=one.unseen)
            for module, function in one.views:
                subject = _subject(module, function)
                if subject not in seen and not module.generated:
                    seen.add(subject)
                    yield self._view(subject, one, module, function)

    def _view(self, subject: str, one: Confirmed, module: Module, function: Function) -> View:
        return View(
            subject,
            one.endpoint,
            one.blueprint,
            place=self.project.lines.place(module.path, function.line),
            lines=function.end - function.line + 1,
            logic=thinness.pieces(self.project, module, function),
            body=bodies.reads(function),
            validated=bodies.validated(self.project, module, function),
            handmade=bodies.handmade(function),
            typed_answer=bodies.typed_answer(function),
            providers=self.ports.named(module, function),
        )

    def _blueprints(self, views: Iterable[View]) -> Iterator[BlueprintViews]:
        grouped: defaultdict[str, list[View]] = defaultdict(list)
        for view in views:
            grouped[view.blueprint].append(view)
        for name, members in sorted(grouped.items()):
            members = [view for view in members if view.endpoint]  # without files that could not be read
            if members and (not self.wanted.blueprints or name in self.wanted.blueprints):
                yield BlueprintViews(f"blueprint {name}" if name else "app", tuple(members))
        for name in sorted(set(self.wanted.blueprints) - set(grouped)):
            yield BlueprintViews(f"blueprint {name}", ())

    def _callers(self, bound: Iterable[Confirmed], live: Live | None) -> Iterator[Caller]:
        """Every function of a route module, and every view wherever it stands."""
        chosen: dict[str, tuple[Module, Function]] = {}
        for path, why in self._unread(self.routes):
            yield Caller(path, unseen=why)
        for module in self.project.modules.values():
            if within(module.path, self.routes) and not module.generated:
                for function in module.functions.values():
                    chosen[_subject(module, function)] = (module, function)
                if module.body.calls:
                    chosen[f"{module.name or module.path}:<module>"] = (module, module.body)
        for one in bound:
            for module, function in one.views:
                chosen.setdefault(_subject(module, function), (module, function))
            if not one.views:
                yield Caller(f"endpoint {one.endpoint}", unseen=one.unseen)
        observed = self._observed(chosen, live)
        for subject, (module, function) in chosen.items():
            calls = [*self.externals.of(module, function), *observed.get(subject, ())]
            place = self.project.lines.place(module.path, function.line)
            if function is not module.body or calls:
                yield Caller(subject, place, tuple(calls))

    def _observed(self, chosen: Mapping[str, tuple[Module, Function]], live: Live | None) -> dict[str, list[Outside]]:
        """What was tried to be reached while the app ran, by the function whose line it was."""
        found: defaultdict[str, list[Outside]] = defaultdict(list)
        for place, host in live.outbound if live is not None else ():
            around = [
                (function.first, subject)
                for subject, (module, function) in chosen.items()
                if module.path == place.path and function.first <= place.line <= function.end
            ]
            if around:
                found[max(around)[1]].append(Outside(host, host, place, observed=True))
        return found

    def _unread(self, folders: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Python files in these folders that could not be read, and a sentence."""
        inside = list(folders)
        for path, why in sorted(self.project.unread.items()):
            if path.endswith(".py") and within(path, inside):
                yield path, f"the file cannot be read ({why}); mend it"

    # ------------------------------------------------------------------ services
    def _layers(self) -> Iterator[Layer]:
        for path in self.services:
            signatures = [
                self._signature(module, function)
                for module in self.project.modules.values()
                if within(module.path, [path]) and not module.generated
                for function in module.functions.values()
                if not function.nested and not function.parameters.overload
            ]
            unread = tuple(f"{name} ({why})" for name, why in self.project.unread.items() if within(name, [path]))
            for name, why in self._unread([path]):
                signatures.append(Signature(name, self.project.lines.place(name, 1), 0, unseen=why))
            yield Layer(_dotted_folder(self.project, path), path, tuple(signatures), unread)

    def _signature(self, module: Module, function: Function) -> Signature:
        parameters = function.parameters
        hidden = any(part.startswith("_") and part != "__init__" for part in function.qualname.split("."))
        return Signature(
            _subject(module, function),
            self.project.lines.place(module.path, function.line),
            parameters.slots,
            parameters.missing,
            parameters.any_slots,
            parameters.returns,
            parameters.loose,
            function.literal,
            public=not hidden and function.name != "__init__",
        )

    def _checking(self, layers: Iterable[Layer]) -> Iterator[Checking]:
        configured = mypy_config.configuration(self.project.root)
        for layer in layers:
            modules = [m.name for m in self.project.modules.values() if within(m.path, [layer.path])]
            yield mypy_config.checking(
                layer.subject, modules, self.project.lines, runs=self.wanted.runs_mypy, configuration=configured
            )


def _subject(module: Module, function: Function) -> str:
    return f"{module.name or module.path}:{function.qualname}"


def _dotted_folder(project: Project, path: str) -> str:
    """`app.services` of `app/services`; without the `src/` that no import names."""
    inside = next((m for m in project.modules.values() if within(m.path, [path]) and m.name), None)
    shown = path.rstrip("/").removesuffix(".py")
    if inside is not None and shown.startswith("src/") and not inside.name.startswith("src."):
        shown = shown.removeprefix("src/")
    return shown.replace("/", ".")


def _coverage(layer: Layer) -> str:
    count = layer.callables
    annotated, slots = layer.slots
    free = sum(len(signature.any_slots) for signature in layer.signatures)
    return (
        f"{layer.subject}: {layer.typed} of {count} callables are fully annotated ({100 * layer.typed / count:.1f} %), "
        f"{annotated} of {slots} slots ({100 * annotated / slots:.1f} %)"
        + (f", {free} of them with Any" if free else "")
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"
