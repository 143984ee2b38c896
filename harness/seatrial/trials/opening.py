"""Opens a run: the hosts are started, and what there is to try is found out."""

from __future__ import annotations

from collections.abc import Callable, Collection

from seatrial.config import Settings
from seatrial.host.client import HostEnded, HostHung
from seatrial.host.run import Run
from seatrial.model.inventory import ANONYMOUS, Inventory, Route
from seatrial.model.profiles import Profile
from seatrial.trials import discovery


def open_run(settings: Settings, progress: Callable[[str], None] = lambda _: None) -> Run:
    """A run with the trials of discovery wired in."""
    return Run(
        settings,
        log_in=discovery.log_in,
        prepare=discovery.prepare,
        release=discovery.release,
        progress=progress,
    )


def prepare(run: Run, *profiles: Profile) -> Inventory:
    """Start the hosts and find out what there is to try.

    Raises:
        ConfigurationError: The app cannot be built, seeded or logged in to.
    """
    run.begin(*profiles)
    # The hosts import the app's libraries; meanwhile this process imports all that it will ask them for.
    from seatrial.trials import pilot  # noqa: F401
    from seatrial.trials.webhooks import planning

    run.start(*profiles)
    profile, deadlines = profiles[0], run.settings.deadlines
    run.report("finding routes")
    hooks = run.call(profile, planning.planned, deadlines.trial_s)
    routes = run.call(profile, discovery.routes, deadlines.trial_s)
    endpoints, answers_unknown = run.call(profile, discovery.endpoints, deadlines.trial_s)
    known: dict[tuple[str, tuple[tuple[str, str], ...]], tuple[str, tuple[str, ...]]] = {}
    found: dict[str, Route] = {}
    notes: list[str] = []
    for route in sorted(routes, key=lambda r: not r.safe):  # reads first: writes borrow their values
        key = (route.rule, route.arguments)
        try:
            seen = run.call(profile, discovery.probe, deadlines.trial_s, route, known.get(key))
        except (HostEnded, HostHung) as error:
            notes.append(f"{route.key}: {error}")
            seen = run.call(profile, discovery.first_path, deadlines.trial_s, route)
        if route.arguments and seen.path:
            known.setdefault(key, (seen.path, seen.unresolved))
        found[route.key] = seen
    doors = run.call(profile, discovery.doors, deadlines.trial_s)
    run.restore(profile)
    return Inventory(
        routes=tuple(found[route.key] for route in routes),
        identities=(ANONYMOUS, *(identity.name for identity in run.settings.identities)),
        notes=tuple(dict.fromkeys((*run.notes, *notes, *_without_route(run.settings, found.values())))),
        grown=frozenset(growing.route for growing in run.settings.growth),
        doors=doors,
        endpoints=endpoints,
        answers_unknown=answers_unknown,
        webhooks=hooks,
        keyed=tuple(entry.route for entry in run.settings.idempotency),
        hot=frozenset(run.settings.hot),
    )


def _without_route(settings: Settings, routes: Collection[Route]) -> list[str]:
    served = {f"{route.method} {route.rule}" for route in routes}
    login = settings.oauth.login if settings.oauth is not None else None
    lost = login is not None and not any(route.oauth is not None for route in routes)
    return [
        *(
            f"{growing.route} is no route of the app: correct it under [[tool.seatrial.growth]]; "
            f"seatrial routes lists them"
            for growing in settings.growth
            if growing.route not in served
        ),
        *([f"{login} is no route of the app: correct login under [tool.seatrial.oauth]"] if lost else []),
    ]
