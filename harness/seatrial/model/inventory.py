"""The routes of the target, keyed by method + rule + endpoint."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

ANONYMOUS = "anonymous"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
BUILT_IN_SKIP = "ends or changes the session (built-in skip list)"
"""Why a route is skipped that nobody put on `skip`."""


class Access(StrEnum):
    """How a route answers somebody who is not logged in, by the shape of the answer."""

    PUBLIC = "public"
    LOGIN = "login"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class OAuthStart:
    """A route that sends the browser to a provider of OAuth or OpenID Connect."""

    callback: str = ""
    """Path that the provider sends the browser back to; empty where it is not known."""
    endpoint: str = ""
    """What answers that path, or empty."""


@dataclass(frozen=True, slots=True)
class Route:
    """One binding of a method and a rule to an endpoint."""

    method: str
    rule: str
    """Flask's own rule string, e.g. `/items/<int:item_id>`."""
    endpoint: str
    blueprint: str = ""
    arguments: tuple[tuple[str, str], ...] = ()
    """(name, converter) of the rule, in order."""
    path: str = ""
    """A concrete path, built from sample arguments; empty where an argument could not be resolved."""
    unresolved: tuple[str, ...] = ()
    """Names of arguments for which no sample value was found."""
    shadowed_by: str = ""
    """Endpoint that answers in this one's place: the same method and rule are bound twice."""
    skipped: str = ""
    """Why this route is never requested (a pattern of the skip list), or empty."""
    view: str = ""
    """`package.module:Qualified.name` of the innermost view function."""
    module_path: str = ""
    """File of the view, relative to the target's root, POSIX; empty when it lies outside."""
    line: int = 0
    access: Access = Access.UNKNOWN
    limits: tuple[str, ...] = ()
    """Rate limits that the app declares for this route, as written."""
    limited: bool = False
    """A limit was declared for this route or its blueprint, not only for the whole app."""
    oauth: OAuthStart | None = None
    """Where this route begins a log-in with a provider; seen when it was probed, or configured."""
    csrf: str = ""
    """`protected`, `exempt`, `none` (no CSRF library found), or empty for safe methods."""

    @property
    def key(self) -> str:
        return f"{self.method} {self.rule} {self.endpoint}"

    def subject(self, identity: str = ANONYMOUS) -> str:
        return f"{self.key} [{identity}]"

    @property
    def safe(self) -> bool:
        return self.method in SAFE_METHODS


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook of the app, as far as planning needs it."""

    path: str
    events: tuple[str, ...]

    @property
    def subject(self) -> str:
        return f"webhook {self.path}"


@dataclass(frozen=True, slots=True)
class Inventory:
    """What discovery learnt about the target, before any guard is collected."""

    routes: tuple[Route, ...]
    identities: tuple[str, ...] = (ANONYMOUS,)
    notes: tuple[str, ...] = ()
    """Sentences for the person: repairs, fallbacks, what was left out."""
    facts: Mapping[str, object] = field(default_factory=dict)
    grown: frozenset[str] = frozenset()
    """Routes with an unsafe method that the configuration wants to be grown, too, as `METHOD /rule`."""
    doors: tuple[tuple[str, str], ...] = ()
    """(key of a route, identity) for everybody who logged in through a form: where it was posted to."""

    def callback_of(self, start: Route) -> Route:
        """The route that a log-in begun at `start` comes back to; `start` itself where that is not known."""
        wanted = start.oauth or OAuthStart()
        found = [r for r in self.routes if r.endpoint == wanted.endpoint and r.method in ("GET", "POST")]
        callback = next((r for r in found if r.method == "GET"), found[0] if found else start)
        return replace(callback, path=wanted.callback) if found else start

    endpoints: frozenset[str] = frozenset()
    """Every endpoint that `url_for` can build, those of other methods and of build-only rules too."""
    answers_unknown: bool = False
    """The app has a handler for endpoints that do not exist."""

    webhooks: tuple[Hook, ...] = ()
    keyed: tuple[str, ...] = ()
    """Routes that honour an idempotency key, as `METHOD /rule`."""

    hot: frozenset[str] = frozenset()
    """Routes that the configuration names as critical, as `METHOD /rule`."""

    def by_key(self, key: str) -> Route:
        return next(route for route in self.routes if route.key == key)
