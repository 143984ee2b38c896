"""Every key of the configuration, as frozen models. `shapes` knows single values, `checks` knows them together."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from seatrial.config import shapes
from seatrial.config.fill import filled
from seatrial.model.evidence import Limits
from seatrial.model.outcomes import Level
from seatrial.model.profiles import Profile


class Table(BaseModel):
    """A table of the file: nothing may stand in it that Seatrial does not read, nothing is converted silently."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)


class Overrides(Table):
    """`[tool.seatrial.sweep]` or `[tool.seatrial.protection]`: laid over `env` and `config` for one profile only."""

    env: dict[str, str] = Field(default_factory=dict, repr=False)
    config: dict[str, Any] = Field(default_factory=dict, repr=False)


class Database(Table):
    """Where trials run. `load` has already put `SEATRIAL_DATABASE_URL` in here."""

    url: shapes.DatabaseUrl = Field(default="embedded", repr=False)
    """`embedded` (PostgreSQL), `sqlite`, or the URL of a PostgreSQL server."""


class Identity(Table):
    """Somebody who is logged in: by exactly one of a form, headers, a callable, or an injected user id."""

    name: shapes.IdentityName
    login: shapes.RoutePath | None = None
    """Path of the log-in form; `fields` are what is typed into it."""
    fields: dict[str, str] = Field(default_factory=dict, repr=False)
    headers: dict[str, str] = Field(default_factory=dict, repr=False)
    call: shapes.Target | None = None
    user_id: shapes.UserId = None
    """Injected into the session: alone, or as the fast path beside `login`."""
    proof: shapes.RoutePath | None = None
    """A path that only this identity sees."""


class Outbound(Table):
    """The answer of the stand-in to outbound calls whose URL matches."""

    url: shapes.Url
    status: shapes.Status = 200
    body: Any = Field(default_factory=dict, alias="json")
    """The key is `json`; `BaseModel.json` has the name."""


class OAuth(Table):
    """Where log-in by OAuth begins and comes back, where discovery does not find it, and who logs in."""

    login: shapes.RoutePath | None = None
    callback: shapes.RoutePath | None = None
    issuer: shapes.Url | None = None
    """What the app takes for the issuer, where it reads no discovery document."""
    claims: dict[str, Any] = Field(default_factory=dict, repr=False)
    """What the provider says of the person that the app lets in."""
    proof: shapes.RoutePath | None = None
    """A path that only somebody sees who is logged in."""


class Webhook(Table):
    """One webhook of the app, and how its deliveries are signed."""

    path: shapes.RoutePath
    provider: Literal["stripe", "standard", "generic"]
    secret_config: str | None = None
    events: list[str] = Field(default_factory=list)
    retry: shapes.Target | None = None
    bookkeeping: list[shapes.Column] = Field(default_factory=list)
    """Columns that may differ after a retry."""
    sign: shapes.Target | None = None
    """Of a generic sender: `sign(body, id, timestamp)` returns the headers."""
    payload: shapes.Target | None = None
    """Of a standard or generic sender: `payload(type, id)` returns the body as a dict."""


class Idempotency(Table):
    """A route that honours an idempotency key."""

    route: shapes.RouteKey
    header: str = "Idempotency-Key"
    body: Any = Field(default=None, alias="json")
    """Sent as JSON. The key is `json`; `BaseModel.json` has the name."""
    form: dict[str, shapes.Scalar] = Field(default_factory=dict)
    """Sent as a form."""
    bookkeeping: list[shapes.Column] = Field(default_factory=list)
    """Columns that may differ after a retry."""


class Growing(Table):
    """What a route is asked while the data grow: an unsafe method, or a page that shows its list only to a query."""

    route: shapes.RouteKey
    body: Any = Field(default=None, alias="json")
    """Sent as JSON. The key is `json`; `BaseModel.json` has the name."""
    form: dict[str, shapes.Scalar] = Field(default_factory=dict)
    """Sent as a form."""
    query: dict[str, shapes.Scalar] = Field(default_factory=dict)
    """Sent behind the question mark."""

    @property
    def options(self) -> dict[str, Any]:
        """Of the request, as Werkzeug's test client takes them."""
        options: dict[str, Any] = {"query_string": dict(self.query)} if self.query else {}
        if self.route.startswith(("GET ", "HEAD ")):
            return options
        return {**options, **({"data": dict(self.form)} if self.body is None else {"json": self.body})}


class Index(Table):
    """An index that the team has planned."""

    table: str
    columns: shapes.SomeColumns
    unique: bool = False
    where: str | None = None
    """Condition of a partial index, as SQL."""


class Migrations(Table):
    """The app's own history of migrations."""

    since: str = ""
    """A revision that runs everywhere: it and those before it are not judged one by one any more."""


class Gates(Table):
    """What a finding of each tool does: `block`, `warn`, or `off` (the tool is not run)."""

    ruff: shapes.GateLevel = Level.BLOCK
    mypy: shapes.GateLevel = Level.WARN
    bandit: shapes.GateLevel = Level.WARN
    pytest: shapes.GateLevel = Level.BLOCK


class SmokeRoute(Table):
    """A route that smoke asks besides the exported ones, or with more than they know."""

    path: shapes.RoutePath
    """With its query, if it has one."""
    method: Literal["GET", "HEAD"] = "GET"
    status: shapes.Status | None = None
    contains: Annotated[list[str], BeforeValidator(shapes.one_or_more)] = Field(default_factory=list)
    keys: Annotated[list[str], BeforeValidator(shapes.one_or_more)] = Field(default_factory=list, alias="json")
    """Dotted. The key is `json`; `BaseModel.json` has the name."""
    headers: dict[str, str] = Field(default_factory=dict, repr=False)
    """As whom it is asked: a cookie, a bearer token."""
    statements: shapes.Count | None = None


class Smoke(Table):
    """What `seatrial smoke` asks of a deployment."""

    ready: shapes.RoutePath = "/"
    ready_s: shapes.Positive = 60.0
    timeout_s: shapes.Positive = 10.0
    slow_ms: shapes.Positive = 1000.0
    at_once: shapes.Count = 8
    marker: str = ""
    """Text of that page that nothing else has that might answer."""
    commit_header: str = "X-Commit"
    commit_path: shapes.RoutePath | None = None
    commit_json: str = "commit"
    token: str = Field(default="", repr=False)
    """Of the monitor; its answers then tell of their statements."""
    days: shapes.Count = 14
    """That the certificate must be valid for."""
    ca: str | None = None
    http: shapes.Url | None = None
    """Address that must lead to https; by default the same host, port 80."""
    csrf: shapes.RouteKey | None = None
    """The form that is sent without its token; by default the log-in."""
    assets: list[shapes.RoutePath] = Field(default_factory=list)
    skip: list[shapes.RoutePattern] = Field(default_factory=list)
    routes: list[SmokeRoute] = Field(default_factory=list)


class Deadlines(Table):
    """Seconds after which something that hangs is ended and called broken."""

    request_s: shapes.Positive = 10.0
    build_s: shapes.Positive = 60.0
    trial_s: shapes.Positive = 120.0
    growth_s: shapes.Positive = 20.0
    """For growing the data under one route."""
    faults_s: shapes.Positive = 60.0
    """For one kind of faults against one event of a webhook; what is left untried then is not proved."""
    leak_s: shapes.Positive = 60.0
    """For the calls of one route in search of a leak."""
    tool_s: shapes.Positive = 600.0


class LimitTable(Table):
    """The keys of `[tool.seatrial.limits]`; a test holds them to the fields of `model.evidence.Limits`."""

    repeated_statements: shapes.Count = Limits().repeated_statements
    slow_statement_ms: shapes.Positive = Limits().slow_statement_ms
    response_ms: shapes.Positive = Limits().response_ms
    body_bytes: shapes.Count = Limits().body_bytes
    secret_key_bytes: shapes.Count = Limits().secret_key_bytes
    view_lines: shapes.Count = Limits().view_lines
    view_score: shapes.Count = Limits().view_score
    typed_percent: shapes.Percent = Limits().typed_percent


def _limits(value: Any) -> Limits:
    if isinstance(value, Limits):
        return value
    # A ValidationError in here is taken apart again by `mistakes`, so each key gets its own sentence.
    return Limits(**LimitTable.model_validate(value).model_dump())


class Tables(Table):
    """What may stand in the file."""

    app: shapes.Target
    """`package:create_app` or `package:app`."""
    factory: Literal["auto", "dict", "kwargs", "class", "string", "none"] = "auto"
    """How `config` reaches the factory."""
    factory_argument: str | None = None
    """The class or the string that is handed over where `factory` says so."""
    services: list[shapes.Inside] = Field(default_factory=list)
    routes: list[shapes.Inside] = Field(default_factory=list)
    sources: shapes.SomePaths = Field(default_factory=lambda: ["."])
    """What ruff, mypy and bandit check."""
    blueprints: list[str] = Field(default_factory=list)
    canonical: dict[str, shapes.Inside] = Field(default_factory=dict)
    """Table → the service (file or folder) that alone writes to it."""
    seed: Annotated[list[shapes.Seed], BeforeValidator(shapes.one_or_more)] = Field(default_factory=list)
    """One or several, run in order."""
    hot: list[shapes.RouteKey] = Field(default_factory=list)
    skip: list[shapes.RoutePattern] = Field(default_factory=list)
    workers: shapes.Count = 1
    environment: Literal["production", "staging", "development", "test"] = "production"
    allow_hosts: list[str] = Field(default_factory=list)
    conftest: shapes.Inside | None = None
    state: shapes.Inside = ".seatrial"
    """Folder of baseline and budgets."""
    env: dict[str, str] = Field(default_factory=dict, repr=False)
    config: dict[str, Any] = Field(default_factory=dict, repr=False)
    sweep: Overrides = Field(default_factory=Overrides)
    protection: Overrides = Field(default_factory=Overrides)
    database: Database = Field(default_factory=Database)
    identities: list[Identity] = Field(default_factory=list)
    arguments: dict[str, shapes.Scalar] = Field(default_factory=dict)
    oauth: OAuth | None = None
    outbound: list[Outbound] = Field(default_factory=list)
    webhooks: list[Webhook] = Field(default_factory=list)
    idempotency: list[Idempotency] = Field(default_factory=list)
    growth: list[Growing] = Field(default_factory=list)
    indexes: list[Index] = Field(default_factory=list)
    migrations: Migrations = Field(default_factory=Migrations)
    gates: Gates = Field(default_factory=Gates)
    rules: dict[shapes.RuleCode, shapes.RuleLevel] = Field(default_factory=dict)
    """Codes of our rules, and `tool:code` for single rules of the tools."""
    limits: Annotated[Limits, BeforeValidator(_limits)] = Field(default_factory=Limits)
    deadlines: Deadlines = Field(default_factory=Deadlines)
    smoke: Smoke = Field(default_factory=Smoke)


class Settings(Tables):
    """The configuration of one target, checked, with `env:NAME` values resolved. Build it with `load`."""

    root: Path
    """The project's root, absolute."""
    file: Path
    """The file that the settings stand in, absolute."""
    resolved: frozenset[str] = Field(default=frozenset(), repr=False)
    """Values that came from `env:NAME`; `secrets` counts them in."""

    @property
    def state_folder(self) -> Path:
        return self.root / self.state

    def environment_for(self, profile: Profile, database_url: str) -> dict[str, str]:
        """The configured environment of one profile's host, filled. The caller adds it to a scrubbed environment."""
        table = {**self.env, **self._over(profile).env}
        return {key: str(filled(value, database_url)) for key, value in table.items()}

    def config_for(self, profile: Profile, database_url: str) -> dict[str, Any]:
        """What one profile's factory or `app.config` gets, filled, as a fresh deep copy.

        An override replaces a key as a whole, as `app.config.update` would.
        """
        table = {**self.config, **self._over(profile).config}
        return {key: filled(value, database_url) for key, value in table.items()}

    def _over(self, profile: Profile) -> Overrides:
        match profile:
            case Profile.SWEEP:
                return self.sweep
            case Profile.PROTECTION:
                return self.protection
