"""The static rules: the source is read while the guards are at work, and judged when the built app has spoken."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from seatrial import rules
from seatrial.config import Settings
from seatrial.model.findings import Judgement, Place
from seatrial.model.inventory import Inventory
from seatrial.model.outcomes import Outcome
from seatrial.model.rules import Context, Rule
from seatrial.model.structure import Structure
from seatrial.source.live import Live
from seatrial.source.structure import Survey, Wanted
from seatrial.verdict import coverage
from seatrial.verdict.outcome import Collected

SERVICES = 'no folder of services was found; set services = ["app/services"] under [tool.seatrial]'
ROUTES = "no view was found in sources; correct sources under [tool.seatrial]"
TABLES = "no table has a canonical service; [tool.seatrial.canonical] names them"
LINKS = "no url_for was found"

Ask = tuple[str, Rule, Callable[[Structure], Iterable[object]], str]
"""Subject where there is nothing to ask, the rule, what it is asked of, and why it is skipped then."""

ASKS: tuple[Ask, ...] = (
    ("app", rules.arc.routes_too_long, lambda s: s.blueprints, ROUTES),
    ("app", rules.arc.route_not_thin, lambda s: s.views, ROUTES),
    ("app", rules.arc.external_call_in_route, lambda s: s.callers, ROUTES),
    ("app", rules.arc.database_in_route, lambda s: s.views, ROUTES),
    ("app", rules.arc.concrete_dependency, lambda s: s.views, ROUTES),
    ("app", rules.arc.unvalidated_body, lambda s: s.views, ROUTES),
    ("app", rules.arc.duplicate_route, lambda s: s.bindings, ROUTES),
    ("app", rules.arc.dangling_endpoint, lambda s: s.files, LINKS),
    ("config canonical", rules.arc.write_outside_service, lambda s: s.tables, TABLES),
    ("config services", rules.typ.untyped_service_method, lambda s: _signatures(s), SERVICES),
    ("config services", rules.typ.layer_coverage, lambda s: s.layers, SERVICES),
    ("config services", rules.typ.untyped_shape, lambda s: _signatures(s), SERVICES),
    ("config services", rules.typ.mypy_not_strict, lambda s: s.checking, SERVICES),
)


def _signatures(structure: Structure) -> list[object]:
    return [signature for layer in structure.layers for signature in layer.signatures]


class Reading:
    """The source being read, in a thread: whoever waits for the guards has nothing else to do."""

    def __init__(self, settings: Settings, codes: Iterable[str]) -> None:
        self._settings = settings
        self._codes = frozenset(codes)
        pool = ThreadPoolExecutor(1, "seatrial-source")
        self._survey: Future[Survey] = pool.submit(Survey, settings.root, wanted(settings))
        pool.shutdown(wait=False)

    def judge(self, collected: Collected, inventory: Inventory | None) -> None:
        """Add what the static rules say. A rule that fails of itself is broken, and the others go on."""
        try:
            structure = self._survey.result().structure(live(inventory, collected))
        except Exception as error:  # ours to mend: a crash is not clean, and what was collected stays
            self._broke(collected, error)
            return
        floors = coverage.load(self._settings.state_folder / "coverage.tsv")
        structure = replace(structure, layers=tuple(replace(x, floor=floors.get(x.subject)) for x in structure.layers))
        context = Context(limits=self._settings.limits, environment=self._settings.environment)
        found = list(judged(structure, context, self._codes))
        collected.take(tuple((judgement.rule, judgement.subject) for judgement in found), found)
        collected.notes += structure.notes
        collected.coverage = {
            x.subject: (x.typed, x.callables) for x in structure.layers if x.callables and not x.unread
        }
        if any(path.endswith(".py") or path == "." for path in structure.unread):
            collected.partial |= self._codes

    def _broke(self, collected: Collected, error: Exception) -> None:
        collected.broken.append(f"the source could not be read ({_crash(error)}); report this")
        collected.take(
            tuple((code, "app") for code in sorted(self._codes)),
            [Judgement(code, "app", Outcome.BROKEN, _crash(error)) for code in sorted(self._codes)],
        )


def judged(structure: Structure, context: Context, codes: Collection[str]) -> Iterator[Judgement]:
    """What these rules say of everything that was read."""
    for subject, rule, subjects, reason in ASKS:
        if rule.code not in codes:
            continue
        try:
            found = [rule(one, context) for one in subjects(structure)]
        except Exception as error:  # one rule of ours must not cost the answers of the others
            yield Judgement(rule.code, subject, Outcome.BROKEN, f"{_crash(error)}; report this")
            continue
        yield from _each_once(found) if found else [rule.skipped(subject, reason)]


def wanted(settings: Settings) -> Wanted:
    """What the configuration says of the source."""
    inside = [*settings.sources, *settings.services, *settings.routes, *settings.canonical.values()]
    return Wanted(
        sources=tuple(dict.fromkeys(inside)),
        services=tuple(settings.services),
        routes=tuple(settings.routes),
        blueprints=tuple(settings.blueprints),
        canonical=dict(settings.canonical),
        seeds=tuple(seed.partition(":")[0] for seed in settings.seed if ":" in seed),
        runs_mypy=settings.gates.mypy != "off",
    )


def live(inventory: Inventory | None, collected: Collected) -> Live | None:
    if inventory is None:
        return None
    calls = dict.fromkeys((call.place, call.host) for call in collected.outbound)
    return Live(
        inventory.routes,
        inventory.endpoints | {route.endpoint for route in inventory.routes},
        inventory.answers_unknown,
        tuple((place, host) for place, host in calls if place is not None and not _logs_in(inventory, place)),
    )


def _logs_in(inventory: Inventory, place: Place) -> bool:
    """In a view of a log-in with a provider: its client talks to the provider there, whatever the app is like."""
    endpoints = {name for route in inventory.routes if route.oauth for name in (route.endpoint, route.oauth.endpoint)}
    above = [r for r in inventory.routes if r.module_path == place.path and 0 < r.line <= place.line]
    return bool(above) and max(above, key=lambda route: route.line).endpoint in endpoints


def _each_once(found: Iterable[Judgement]) -> Iterator[Judgement]:
    """One answer per subject: of two functions with one name the findings of both."""
    merged: dict[str, Judgement] = {}
    for one in found:
        before = merged.get(one.subject)
        if before is None or (before.outcome is not Outcome.FAIL and one.outcome is Outcome.FAIL):
            merged[one.subject] = one
        elif one.outcome is Outcome.FAIL:
            merged[one.subject] = replace(before, findings=(*before.findings, *one.findings))
    yield from merged.values()


def _crash(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
