"""The built app and everything needed to send it a request and see what it did."""

import contextvars
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import flask
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from seatrial.config import Settings
from seatrial.database.growth import Grower
from seatrial.model.errors import ConfigurationError
from seatrial.model.evidence import AppFacts, Exchange, Kind, Raised
from seatrial.model.inventory import ANONYMOUS, Route
from seatrial.model.profiles import Profile
from seatrial.observe import connections, eager, outbound, refusals, statements
from seatrial.observe.attribution import Attribution
from seatrial.observe.callsite import CallSites, call_site
from seatrial.observe.markup import marks
from seatrial.observe.redaction import cookie_sizes, safe_headers
from seatrial.target import binds as binding
from seatrial.target import factory, protections, schema, seeds
from seatrial.target.arguments import Samples
from seatrial.target.forms import post_forms
from seatrial.target.living import living
from seatrial.target.reply import BODY_LIMIT, Reply, message, raised_at, read
from seatrial.target.sending import sent
from seatrial.target.time_limit import RequestTimeout, time_limit

ATTRIBUTED = {
    # SQL007 must know of every execution whether a template sent it, of the first and of the seventh as well. One costs
    # an eighth of an ORM statement on SQLite in memory (benchmarks/attribution.py), and less of one on a server.
    Profile.SWEEP: (1, sys.maxsize),
    Profile.PROTECTION: (statements.FIRST_ATTRIBUTED, statements.LAST_ATTRIBUTED),
}
"""Which executions of one statement are attributed."""
Loads = Literal["", "seen", "closely"]
"""Whether eager loads are observed, and whether the calls of the request are followed for that."""
USER_AGENT = "Seatrial"
FORGED_HOST = "forged-host.example"


@dataclass(frozen=True, slots=True)
class Entered:
    """A log-in as it was right after it."""

    session: Any
    cookies: dict[Any, Any]
    environ: dict[str, Any]


class Target:
    """The app of one host: one profile, one database, one process."""

    _confinement: ClassVar[connections.Confinement | None] = None

    def __init__(self, app: Flask, settings: Settings, profile: Profile, database_url: str, folder: Path) -> None:
        self.app = app
        self.settings = settings
        self.profile = profile
        self.database_url = database_url
        self.folder = folder
        self.notes: list[str] = []
        self.binds: list[binding.Bind] = []
        self.sessions: dict[str, Any] = {}
        """Logged-in clients by identity; see `identities`."""
        self._entered: dict[str, Entered] = {}
        self.sites = CallSites(folder)
        self.attribution = Attribution(self.sites)
        self.wrote = False
        """A statement that changes rows was sent since the flag was last lowered."""
        self.writes = 0
        """Statements that change rows, sent so far."""
        self._grower: Grower | None = None
        self.public_path = ""
        """A page that answered a stranger 2xx, once one was seen."""
        self._facts: AppFacts | None = None
        self._samples: Samples | None = None
        self._routes: tuple[Route, ...] | None = None

    # ------------------------------------------------------------------ building
    @classmethod
    def build(cls, settings: Settings, profile: Profile, database_url: str, folder: Path) -> "Target":
        """Guards first, then the app's own code: nothing it does while importing may reach beyond the trial.

        Raises:
            ConfigurationError: The app cannot be built, or uses another database than the trial's.
        """
        confinement = cls._guard(settings, database_url, folder)
        config = settings.config_for(profile, database_url)
        if profile is Profile.SWEEP:
            config = {**protections.SWEEP_CONFIG, **config}
        app, notes = factory.load(settings, folder, config)
        # A factory that takes no configuration gets it now; what it read earlier is what the read-backs are for.
        app.config.update(config)
        if profile is Profile.SWEEP:
            protections.apply_sweep(app, kept=settings.sweep.config)
        target = cls(app, settings, profile, database_url, folder)
        target.notes += notes
        if target.attribution.fallback:
            target.notes.append(target.attribution.fallback)
        target.binds = binding.read_back(app, database_url, confinement.refused)
        statements.name_binds({None if bind.name == "default" else bind.name: bind.engine for bind in target.binds})
        if not target.binds:
            target.binds = binding.stand_in(database_url)
            target.notes.append(
                "the app makes its SQLAlchemy engine on first use: the trial creates the tables with one of its own"
                if target.binds
                else "the app has no SQLAlchemy engine: there are no statements to count"
            )
        target.dispose()
        return target

    @classmethod
    def locate(cls, settings: Settings, database_url: str, folder: Path) -> None:
        """Import the app and look at its factory, guarded as in `build`. Raises ConfigurationError."""
        cls._guard(settings, database_url or "sqlite://", folder)
        factory.locate(settings, folder)

    @classmethod
    def _guard(cls, settings: Settings, database_url: str, folder: Path) -> connections.Confinement:
        """Before any of the app's code: nothing it does while importing may reach beyond the trial.

        Once per process, so that what was refused during the import is still known when the app is built.
        """
        if cls._confinement is not None:
            return cls._confinement
        statements.install()
        sites = call_site(folder)
        outbound.install(
            stand_ins=[outbound.StandIn(o.url, o.status, o.body) for o in settings.outbound],
            allow=[*_database_address(database_url), *((host, None) for host in settings.allow_hosts)],
            site=lambda: sites.origin(sites.trace(2)).place,
        )
        cls._confinement = connections.confine(database_url)
        return cls._confinement

    def prepare(self) -> list[str]:
        """Create the tables and sow the seed; returns sentences about what had to be mended."""
        if self.binds:
            with self.app.app_context():
                self.notes += schema.create(self.binds)
        for seed in self.settings.seed:
            self.notes += seeds.sow(self.app, seed)
        self.dispose()
        return list(self.notes)

    def dispose(self) -> None:
        """Close the app's pooled connections, so that its database can be cloned or replaced."""
        extension = self.app.extensions.get("sqlalchemy")
        with self.app.app_context():
            if extension is not None and hasattr(extension, "session"):
                extension.session.remove()
        # An engine that was made on first use is not among the binds.
        late = any(bind.name == binding.STAND_IN for bind in self.binds)
        for engine in living(sa.Engine) if late else [bind.engine for bind in self.binds]:
            engine.dispose()

    def release(self) -> None:
        """Close every connection to the database, so that it can be cloned or replaced."""
        self.dispose()
        if self._grower is not None:
            self._grower.release()

    def grower(self) -> Grower:
        """What makes the tables of the trial's database larger."""
        if self._grower is None:
            self._grower = Grower(sa.create_engine(self.database_url))
        return self._grower

    @contextmanager
    def connection(self) -> Iterator[sa.Connection]:
        """A connection of our own to the trial's database, outside the app's pools."""
        engine = sa.create_engine(self.database_url, poolclass=sa.pool.NullPool)
        with engine.connect() as connection:
            yield connection

    # ------------------------------------------------------------------ facts
    @property
    def scheme(self) -> str:
        return "http" if self.settings.environment in ("development", "test") else "https"

    @property
    def host_name(self) -> str:
        """A Host that the app accepts."""
        trusted = [str(host).lstrip(".") for host in self.app.config.get("TRUSTED_HOSTS") or ()]
        return str(self.app.config.get("SERVER_NAME") or ("localhost" if not trusted else _first_local(trusted)))

    @property
    def base_url(self) -> str:
        return f"{self.scheme}://{self.host_name}"

    def facts(self) -> AppFacts:
        """Read back what is really on, including how a forged Host is answered."""
        if self._facts is None:
            path = self.public_path or "/"
            answers: dict[str, int] = {}
            for host in (self.host_name, FORGED_HOST):
                reply = self.send(self.new_client(), "GET", path, base_url=f"{self.scheme}://{host}")
                if not reply.failure:
                    answers[host] = reply.status
            self._facts = protections.facts(
                self.app, self.profile, self.settings.environment, answers, has_database=bool(self.binds)
            )
        return self._facts

    def routes(self) -> tuple[Route, ...]:
        from seatrial.target.routes import routes

        if self._routes is None:
            self._routes = routes(self)
        return self._routes

    def samples(self) -> Samples:
        """Sample values for route arguments, read from the seeded rows once."""
        if self._samples is None:
            self._samples = Samples.read(self)
        return self._samples

    # ------------------------------------------------------------------ requests
    def client(self, identity: str) -> FlaskClient:
        """The client of an identity, logged in on first use; a fresh one each time for `anonymous`."""
        if identity == ANONYMOUS:
            return self.new_client()
        from seatrial.target.identities import log_in

        if identity not in self.sessions:
            try:
                self.sessions[identity] = log_in(self, identity)
            except ConfigurationError:
                if identity not in self._entered:
                    raise
                self._recall(identity)  # locked out after many log-ins: the first session may still be open
        client: FlaskClient = self.sessions[identity].client
        return client

    def remember_sessions(self) -> None:
        """The log-ins that the database, as it is now, knows of."""
        self._entered = {
            name: Entered(session, dict(session.client._cookies or {}), dict(session.client.environ_base))
            for name, session in self.sessions.items()
        }

    def recall_sessions(self) -> None:
        """To be called when the database is put back: it knows nothing of later log-ins, nor of later log-outs."""
        self.sessions.clear()
        for identity in self._entered:
            self._recall(identity)

    def _recall(self, identity: str) -> None:
        entered = self._entered[identity]
        client = entered.session.client
        client._cookies = dict(entered.cookies)
        client.environ_base = dict(entered.environ)
        self.sessions[identity] = entered.session

    def new_client(self) -> FlaskClient:
        # Not app.test_client(): an app may have replaced the class by one that logs in or changes requests.
        client = FlaskClient(self.app, self.app.response_class, use_cookies=True)
        client.environ_base["HTTP_USER_AGENT"] = USER_AGENT
        return client

    def send(
        self,
        client: FlaskClient,
        method: str,
        path: str,
        *,
        base_url: str | None = None,
        rows: bool = False,
        loads: Loads = "",
        fresh: bool = True,
        keep: bool = False,
        **options: Any,
    ) -> Reply:
        """One request in a context of its own, within the time limit, with everything it did recorded.

        A fresh `contextvars` context: an app context that the app (or a seed) left pushed would share its session and
        identity map with the request and make every count too low. `fresh`: rate limits forget what was before.
        """
        if fresh and self.profile is Profile.PROTECTION:
            protections.reset_limits(self.app)
        owner = os.getpid()
        reply = contextvars.Context().run(self._send, client, method, path, base_url, rows, loads, keep, options)
        if os.getpid() != owner:
            os._exit(0)  # a fork of the app's came back through the view: only the host itself may go on
        reply.sent = sent({"base_url": base_url, **options}, self.base_url)
        writes = sum(s.kind is Kind.DML for s in reply.statements)
        self.writes += writes
        self.wrote = self.wrote or writes > 0
        if reply.failure:
            self.dispose()  # the interruption may have left a connection in the middle of a conversation
        return reply

    def _send(
        self,
        client: FlaskClient,
        method: str,
        path: str,
        base_url: str | None,
        rows: bool,
        loads: Loads,
        keep: bool,
        options: Mapping[str, Any],
    ) -> Reply:
        reply = Reply()
        seen: dict[str, Any] = {}

        def on_exception(_: Flask, exception: BaseException, **__: Any) -> None:
            seen["exception"] = exception

        def on_template(_: Flask, template: Any, **__: Any) -> None:
            seen.setdefault("template", template.name or "<string>")

        attributed = ATTRIBUTED[self.profile]
        started = time.perf_counter()
        with (
            flask.got_request_exception.connected_to(on_exception, self.app),
            flask.template_rendered.connected_to(on_template, self.app),
            outbound.outbound_calls() as calls,
            eager.observe(self.sites, closely=loads == "closely") if loads else nullcontext() as reply.loads,
            statements.record(rows=rows, attribute=self.attribution, attributed=attributed, keep=keep) as recording,
        ):
            try:
                with time_limit(self.settings.deadlines.request_s):
                    response = client.open(path, method=method, base_url=base_url or self.base_url, **options)
                    try:
                        reply.status = response.status_code
                        reply.headers = list(response.headers.items())
                        reply.content_type = (response.mimetype or "").lower()
                        reply.body, ended = read(response.iter_encoded())
                        if not ended:
                            reply.failure = f"was still streaming after {BODY_LIMIT // 1024 // 1024} MB"
                    finally:
                        response.close()
            except RequestTimeout:
                reply.failure = f"did not finish within {self.settings.deadlines.request_s:g} s"
            except SystemExit as stop:
                reply.failure = f"called sys.exit({stop.code!r})"
            except KeyboardInterrupt:
                reply.failure = "raised KeyboardInterrupt"
            except Exception as error:
                # Propagated to us (debug mode, TESTING): a server would have answered 500.
                reply.status = 500
                seen["exception"] = error
            reply.elapsed_ms = (time.perf_counter() - started) * 1000
            recording.settle(1.0)
        reply.statements = recording.statements()
        reply.kept = recording.sent()
        reply.outbound = tuple(calls)
        reply.template = seen.get("template", "")
        if (escaped := seen.get("exception")) is not None:
            reply.raised = Raised(type(escaped).__name__, raised_at(escaped, self.sites))
            reply.said = message(escaped)
        return reply

    def ask(self, client: FlaskClient, method: str, path: str) -> str:
        """What one request is answered, as a word: its status, or why there is none. Nothing of it is recorded.

        For what is asked many times, where a recorder would be measured as well.
        """
        owner = os.getpid()
        answered = contextvars.Context().run(self._ask, client, method, path)
        if os.getpid() != owner:
            os._exit(0)  # as in `send`
        return answered

    def _ask(self, client: FlaskClient, method: str, path: str) -> str:
        try:
            with time_limit(self.settings.deadlines.request_s):
                response = client.open(path, method=method, base_url=self.base_url)
                try:
                    _, ended = read(response.iter_encoded())
                    return str(response.status_code) if ended else "without end"
                finally:
                    response.close()
        except RequestTimeout:
            self.dispose()
            return f"nothing within {self.settings.deadlines.request_s:g} s"
        except (Exception, SystemExit) as error:
            return type(error).__name__

    def exchange(
        self, route: Route, identity: str, reply: Reply, *, path: str, variant: str = "plain", logged_in: bool = True
    ) -> Exchange:
        """The reply as plain data, with everything secret left behind."""
        html = reply.content_type in ("text/html", "application/xhtml+xml")
        found = {
            "host": self.host_name,
            "cookie-sizes": cookie_sizes(reply.headers),
            **(marks(reply.text) | {"forms": post_forms(reply.text, self.host_name)} if html else {}),
            **(refusals.marks(reply.content_type, reply.body, reply.said) if reply.status >= 400 else {}),
        }
        return Exchange(
            route=replace(route, path=path),
            identity=identity,
            path=path,
            status=reply.status,
            headers=safe_headers(reply.headers),
            scheme=self.scheme,
            variant=variant,
            sent=reply.sent,
            elapsed_ms=round(reply.elapsed_ms, 3),
            content_type=reply.content_type,
            body_size=len(reply.body),
            statements=reply.statements,
            outbound=reply.outbound,
            eager=reply.loads.seen() if reply.loads is not None else (),
            raised=reply.raised,
            template=reply.template,
            failure=reply.failure,
            logged_in=logged_in,
            marks={name: value for name, value in found.items() if value},
        )


def _first_local(trusted: list[str]) -> str:
    return next((host for host in ("localhost", "127.0.0.1") if host in trusted), trusted[0])


def _database_address(url: str) -> list[tuple[str, int | None]]:
    parsed = sa.make_url(url)
    return [(parsed.host, parsed.port or 5432)] if parsed.host else []
