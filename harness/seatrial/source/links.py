"""Every `url_for` in code and templates, and whether there is its endpoint."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from seatrial.model.findings import Place
from seatrial.model.structure import Link, LinkFile
from seatrial.source import templates
from seatrial.source.bindings import Map
from seatrial.source.facts import Module, UrlFor
from seatrial.source.live import Live
from seatrial.source.project import Project


def files(project: Project, mapped: Map, live: Live | None) -> Iterator[LinkFile]:
    endpoints = _Endpoints(mapped, live)
    unsure = ""
    if live.answers_unknown if live is not None else any(m.builds_urls for m in project.modules.values()):
        unsure = "the app answers for endpoints that do not exist (url_build_error_handlers)"
    for module in project.modules.values():
        wanted = [link for link in module.links if _is_flasks(project, module, link)]
        if wanted:
            yield _file(project, module.path, wanted, endpoints, live, unsure)
    for path in project.templates:
        try:
            content = (project.root / path).read_bytes()
            if not templates.mentions(content):
                continue
            yield _file(project, path, templates.links(content), endpoints, live, unsure)
        except (templates.Unparsable, OSError) as error:
            yield LinkFile(path, (), live is not None, f"the template cannot be read ({error})")
    for path, why in project.unread.items():
        if path.endswith(".py"):
            yield LinkFile(path, (), live is not None, f"the file cannot be read ({why}); mend it")


def _file(
    project: Project, path: str, links: Iterable[UrlFor], endpoints: _Endpoints, live: Live | None, unsure: str
) -> LinkFile:
    found = [
        endpoints.link(endpoint, project.lines.place(path, link.line))
        for link in links
        if not link.guarded
        for endpoint in link.endpoints
        if endpoint and not endpoint.startswith(".")
    ]
    return LinkFile(path, tuple(found), live is not None, unsure)


def _is_flasks(project: Project, module: Module, link: UrlFor) -> bool:
    owner = link.chain.rpartition(".")[0]
    if owner:
        return owner in ("flask", "app", "current_app", "self.app", "flask.helpers") or owner.endswith(".app")
    target = project.dotted(module, link.chain)
    found = project.locate(target)
    if found is not None and found[1] in found[0].functions:
        return False  # a function of the app's own
    target = project.through(target)
    return target.startswith("flask") or target in ("url_for", link.chain)


class _Endpoints:
    """Which endpoints there are."""

    def __init__(self, mapped: Map, live: Live | None) -> None:
        self._map, self._live = mapped, live
        self._all = set(live.endpoints) if live is not None else mapped.endpoints
        self._defined = {one.endpoint: f"{one.module.path}:{one.line}" for one in mapped.bound}
        self._blueprints = {b.name for b in mapped.blueprints if b.name and not b.opaque}
        self._nearest: dict[str, str] = {}

    def link(self, endpoint: str, place: Place) -> Link:
        known = self._known(endpoint)
        if known:
            return Link(endpoint, place, True)
        if endpoint not in self._nearest:
            self._nearest[endpoint] = next(iter(difflib.get_close_matches(endpoint, self._all, 1, 0.6)), "")
        defined = self._defined.get(endpoint, "") if self._live is not None else ""
        return Link(endpoint, place, known, self._nearest[endpoint], defined)

    def _known(self, endpoint: str) -> bool | None:
        if endpoint in self._all:
            return True
        if self._live is not None:
            return False
        blueprint, _, name = endpoint.rpartition(".")
        if name == "static":
            return True
        if blueprint in self._blueprints or (not blueprint and not self._map.opaque):
            return False
        return None
