"""Builds a specimen's app, asks it what its rule wants to know, and hands back the evidence.

A stand-in for the host in one short file: Flask's test client, SQLite in a temporary file, Seatrial's own recorder. All
tests reach it through `exchange_of` alone.
"""

import importlib.util
import json
import linecache
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
import tomllib
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

from flask import Flask, got_request_exception, template_rendered
from rules.smoked import asked_from_outside
from support import project

from seatrial.cli import structure
from seatrial.compare import routes, signatures
from seatrial.config import load
from seatrial.config.load import DATABASE_VARIABLE
from seatrial.database import open_databases
from seatrial.load.arrivals import stretches
from seatrial.load.plan import Plan, Step, Task
from seatrial.load.run import run as run_load
from seatrial.model import webhooks as faults
from seatrial.model.classes import ResponseClasses
from seatrial.model.comparison import Comparison
from seatrial.model.csrf import CsrfTrial
from seatrial.model.evidence import AppFacts, Budget, Exchange, Kind, Limits, Protection, Raised
from seatrial.model.findings import Judgement, Place
from seatrial.model.growth import Growth
from seatrial.model.indexes import Database, IndexTrial
from seatrial.model.inventory import ANONYMOUS, Inventory, Route
from seatrial.model.latency import Timings
from seatrial.model.leaks import LeakTrial
from seatrial.model.load import EndpointLoad
from seatrial.model.markup import MarkupTrial
from seatrial.model.migrations import History
from seatrial.model.oauth import OAuthTrial
from seatrial.model.outcomes import Outcome
from seatrial.model.profiles import Profile
from seatrial.model.rates import LimiterFacts, RateTrial
from seatrial.model.redirects import HostTrial, RedirectTrial
from seatrial.model.rules import Context
from seatrial.model.sessions import LogIn, LogOut, logs_out
from seatrial.model.signatures import Compared
from seatrial.model.structure import Structure
from seatrial.model.suite import Looked, Stray, TestRun
from seatrial.observe import eager, refusals, statements
from seatrial.observe.attribution import attribution
from seatrial.observe.callsite import call_site
from seatrial.observe.markup import marks
from seatrial.observe.redaction import cookie_sizes
from seatrial.plugin.aims import blueprints, showing, whole_database
from seatrial.rules import find, registered
from seatrial.source.structure import Survey, Wanted
from seatrial.target.forms import post_forms
from seatrial.target.target import ATTRIBUTED
from seatrial.trials.opening import open_run, prepare
from seatrial.trials.pilot import Pilot
from seatrial.trials.responses import origins_of as origins

SPECIMENS = Path(__file__).parent.parent / "specimens"
OWNER = "owner"
"""Who logs in through the form of a specimen that has one."""
FORGED_HOST = "forged-host.example"
# Flask knows TRUSTED_HOSTS since 3.1; before that no app is sound in this respect by configuration alone.
WITHOUT_SOUND_TWIN = set() if metadata.version("flask") >= "3.1" else {"CFG005"}
# Before 3.1 Flask answers a Host other than SERVER_NAME 404: an error is seen where the specimen is to hide them all.
WITHOUT_BLIND_TWIN = set() if metadata.version("flask") >= "3.1" else {"HDR010"}
PASSIVE = {rule.code for rule in registered() if rule.passive}
"""Rules that judge the tests of an app."""
STATIC = {rule.code for rule in registered() if rule.static}
"""Rules that judge the source: a specimen of theirs is `KIND.py` and whatever stands in the folder `KIND` beside it."""
GROWN = {"SQL001", "SQL005"}
"""Rules that judge a growth of the data instead of one exchange."""
FORGED = {"CSR001", "CSR003", "CSR004"}
"""Rules that judge what a route does with forged requests."""
TWICE, FOREIGN, CLASSES, PRIVATE = "HDR004", "HDR011", "HDR010", "HDR012"
"""Rules that judge two responses, answers to foreign origins, all classes of response, or a page behind a login."""
PROVOKED = {"ERR001", "ERR002", "ERR003", "ERR004"}
"""Rules that judge every error that can be provoked."""
SESSIONS = {"SES001", "SES002", "SES003"}
"""Rules that judge a log-in or a log-out."""
LOG_OUT = "SES002"
LEADING = {"RED001", "RED002"}
"""Rules that judge where a route leads to."""
ADDRESSED = "RED002"
SOWN = "ERR006"
"""The rule that judges pages after markup was sent to the whole app."""
DELIVERED = {
    "WHK001": lambda pilot, _: pilot.faults.refusals("/webhook", faults.FORGED),
    "WHK002": lambda pilot, event: pilot.faults.broken("/webhook", event, faults.DUPLICATES),
    "WHK003": lambda pilot, event: pilot.faults.broken("/webhook", event, faults.DEATH),
    "WHK004": lambda pilot, event: pilot.faults.broken("/webhook", event, faults.RACE),
    "WHK005": lambda pilot, event: pilot.faults.broken("/webhook", event, faults.CALLS),
    "WHK006": lambda pilot, event: pilot.faults.broken("/webhook", event, faults.ACKNOWLEDGED),
    "WHK007": lambda pilot, _: pilot.faults.refusals("/webhook", faults.MALFORMED),
    "WHK008": lambda pilot, _: pilot.faults.conflict("/webhook"),
    "WHK009": lambda pilot, _: pilot.faults.order("/webhook"),
    "WHK010": lambda pilot, event: pilot.faults.backoff("/webhook", event),
    "WHK011": lambda pilot, event: pilot.faults.pipeline("/webhook", event),
    "IDM001": lambda pilot, _: pilot.faults.keyed("POST /payments"),
}
"""Rules that judge deliveries, and requests with keys, broken in a host: how their evidence is had."""
WEBHOOK = """
    [[tool.seatrial.webhooks]]
    path = "/webhook"
    provider = "stripe"
    secret_config = "STRIPE_WEBHOOK_SECRET"
    events = {events}
    bookkeeping = ["event.attempts", "event.next_attempt_at"]
    """
KEYED = """
    [[tool.seatrial.idempotency]]
    route = "POST /payments"
    json = { amount = 100 }
    """
ON_A_DATABASE = {rule.code for rule in registered() if rule.family in ("IDX", "MIG")}
"""Rules that judge a database or the history that makes it, on PostgreSQL."""
LOADED, TIMED, COMPARED, LEAKED, SIGNED = "LAT001", "LAT002", "LAT003", "MEM001", "ARC009"
"""Rules that judge a load run, warm calls, two revisions, many calls of one route, or the services of two revisions."""
MEASURED = {LOADED, TIMED, COMPARED, LEAKED, SIGNED}
SMOKED = {rule.code for rule in registered() if rule.command == "smoke"}
"""Rules that judge a deployment from outside: `rules.smoked` serves the specimen and asks it."""
STORAGE = "RTL005"
"""The rule that judges where the limiter counts, instead of attempts."""
SUMS = {CLASSES, "HDR100"}
"""Rules that say once more, per class of response or in points, what other rules say of a page."""
IN_A_HOST = """
    [tool.seatrial]
    app = "{kind}:create_app"
    seed = "{kind}:seed"
    [tool.seatrial.database]
    url = "sqlite"
    [tool.seatrial.env]
    DATABASE_URL = "{{database_url}}"
    """
VARIANTS = {"plain": "", "page is not a number": "?page=abc", "page is negative": "?page=-1"}


@dataclass(frozen=True)
class Specimen:
    """One mini-app: `SQL002/flawed`."""

    code: str
    kind: str

    def __str__(self) -> str:
        return f"{self.code}-{self.kind}"

    @property
    def folder(self) -> Path:
        return SPECIMENS / self.code

    @property
    def path(self) -> Path:
        return self.folder / f"{self.kind}.py"

    @property
    def settings(self) -> dict[str, Any]:
        return tomllib.loads((self.folder / "specimen.toml").read_text())

    @property
    def identity(self) -> str:
        return str(self.settings.get("identity", ANONYMOUS))

    @property
    def events(self) -> list[str]:
        """What its webhook is sent, where it has one."""
        return list(self.settings.get("events", [""]))

    @property
    def subject(self) -> str:
        """Of the finding that the flawed one must show."""
        return str(self.settings["subject"])


def specimens(*kinds: str) -> list[Specimen]:
    found = (Specimen(path.parent.name, path.stem) for path in sorted(SPECIMENS.glob("*/*.py")))
    return [
        specimen
        for specimen in found
        if specimen.kind in kinds
        and specimen.code not in WITHOUT_SOUND_TWIN
        and not (specimen.kind == "blind" and specimen.code in WITHOUT_BLIND_TWIN)
    ]


def exchange_of(
    specimen: Specimen,
) -> (
    Exchange
    | tuple[Exchange, ...]
    | AppFacts
    | Growth
    | ResponseClasses
    | TestRun
    | CsrfTrial
    | RateTrial
    | LimiterFacts
    | LogIn
    | LogOut
    | RedirectTrial
    | HostTrial
    | MarkupTrial
    | OAuthTrial
    | object
    | EndpointLoad
    | Timings
    | Comparison
    | LeakTrial
    | Compared
):
    """What the specimen's rule judges: one warm exchange, all variants of one route, or the app's facts."""
    if specimen.code in PASSIVE:
        return run_of(specimen)
    if specimen.code in GROWN:
        return growth_of(specimen)
    if specimen.code in MEASURED:
        return measured(specimen)
    if specimen.code in SMOKED:
        with _app(specimen) as app:
            return asked_from_outside(app, specimen.code, specimen.settings)
    if specimen.code.startswith("RTL"):
        attempts, limiter = rates_of(specimen)
        return limiter if specimen.code == STORAGE else attempts
    if specimen.code.startswith("OAU"):
        return oauth_of(specimen)
    if specimen.code in DELIVERED:
        return delivered(specimen)
    if specimen.code in ON_A_DATABASE:
        return from_a_database(specimen)
    if specimen.code in {CLASSES, PRIVATE} | PROVOKED | FORGED | SESSIONS | LEADING | {SOWN}:
        return from_a_host(specimen)
    with _app(specimen) as app:
        if specimen.code == TWICE:
            return _exchange(app, specimen), _exchange(app, specimen)
        if specimen.code == FOREIGN:
            return _from_foreign_origins(app, specimen)
        if specimen.code.startswith("CFG"):
            return _facts(app)
        if specimen.code == "ERR005":
            return tuple(_exchange(app, specimen, name, query) for name, query in VARIANTS.items())
        if specimen.code.startswith("SQL"):
            _exchange(app, specimen)  # cold; the warm one counts
        return _exchange(app, specimen)


@cache
def structure_of(specimen: Specimen) -> Structure:
    """What the source says, and nothing else: the app is not built."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        shutil.copy(specimen.path, root)
        if (specimen.folder / specimen.kind).is_dir():
            shutil.copytree(specimen.folder / specimen.kind, root, dirs_exist_ok=True)
        canonical = specimen.settings.get("config", {}).get("canonical", {})
        return Survey(root, Wanted(canonical=canonical)).structure()


def judged_by_static(specimen: Specimen) -> dict[str, Judgement]:
    """The worst that each static rule says of anything in the specimen."""
    order = (Outcome.SKIPPED, Outcome.PASS, Outcome.NOT_PROVED, Outcome.BROKEN, Outcome.FAIL)
    worst: dict[str, Judgement] = {}
    for one in structure.judged(structure_of(specimen), Context(), STATIC):
        before = worst.get(one.rule)
        if before is None or order.index(one.outcome) > order.index(before.outcome):
            worst[one.rule] = one
    return worst


@cache
def run_of(specimen: Specimen) -> TestRun:
    """The specimen is a test module, too: pytest runs it in passive mode, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "passive.json"
        command = ["-m", "pytest", "-q", "-c", os.devnull, "--rootdir", str(specimen.folder), "-p", "no:cacheprovider"]
        environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
        done = subprocess.run(
            [sys.executable, *command, "-p", "seatrial.plugin", "--seatrial-passive-json", str(result), specimen.path],
            env=environment,
            cwd=specimen.folder,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        seen = json.loads(result.read_text())
    test = f"{specimen.kind}.py::{specimen.subject.partition('::')[2]}"
    strays = []
    for stray in seen["strays"]:
        assert stray["test"] == test
        path, _, line = (stray["sent_by"] or "").partition(":")
        place = Place(path, int(line), linecache.getline(str(specimen.path), int(line)).rstrip()) if path else None
        strays.append(Stray(stray["method"], stray["path"], stray["status"], Looked(stray["looked_at"]), place))
    return TestRun(test, passed=True, strays=tuple(strays))


@cache
def growth_of(specimen: Specimen) -> Growth:
    """The data grows in a real host only: it has to be put back."""
    with tempfile.TemporaryDirectory() as folder:
        root = project(Path(folder) / "app", {}, config=IN_A_HOST.format(kind=specimen.kind))
        shutil.copy(specimen.path, root)
        with open_run(load(root)) as run:
            route = prepare(run, Profile.SWEEP).by_key(f"{specimen.settings['route']} {specimen.settings['endpoint']}")
            return Pilot(run).growth(route, ANONYMOUS)


@cache
def rates_of(specimen: Specimen) -> tuple[RateTrial, LimiterFacts]:
    """Attempts against the limit, and where it counts: in a host, whose clock is moved."""
    with tempfile.TemporaryDirectory() as folder:
        config = deployed(specimen, IN_A_HOST.format(kind=specimen.kind))
        root = project(Path(folder) / "app", {}, config=config.replace(f'seed = "{specimen.kind}:seed"', ""))
        shutil.copy(specimen.path, root)
        with open_run(load(root)) as run:
            inventory, pilot = prepare(run, Profile.PROTECTION), Pilot(run)
            route = inventory.by_key(f"{specimen.settings['route']} {specimen.settings['endpoint']}")
            return pilot.limits(route), pilot.limiter()


@cache
def oauth_of(specimen: Specimen) -> OAuthTrial:
    """The log-in with a provider that the specimen has."""
    with tempfile.TemporaryDirectory() as folder:
        config = IN_A_HOST.format(kind=specimen.kind).replace(f'seed = "{specimen.kind}:seed"', "")
        root = project(Path(folder) / "app", {}, config=config)
        shutil.copy(specimen.path, root)
        with open_run(load(root)) as run:
            return log_in_of(prepare(run, Profile.PROTECTION), Pilot(run))


def log_in_of(inventory: Inventory, pilot: Pilot) -> OAuthTrial:
    """The only one that the app has."""
    [start] = [route for route in inventory.routes if route.oauth is not None]
    return replace(pilot.oauth(start, ()), callback=inventory.callback_of(start))


@cache
def delivered(specimen: Specimen) -> object:
    """Deliveries broken in processes of their own."""
    with tempfile.TemporaryDirectory() as folder:
        config = sent_to(specimen, IN_A_HOST.format(kind=specimen.kind))
        root = project(Path(folder) / "app", {}, config=config)
        shutil.copy(specimen.path, root)
        with open_run(load(root)) as run:
            profile = Profile.SWEEP if specimen.code.startswith("IDM") else Profile.PROTECTION
            prepare(run, profile)
            return DELIVERED[specimen.code](Pilot(run), specimen.events[0])


def sent_to(specimen: Specimen, config: str) -> str:
    """The configuration with the webhook, or the route with keys, that the specimen has."""
    if specimen.code not in DELIVERED:
        return config
    more = KEYED if specimen.code.startswith("IDM") else WEBHOOK.format(events=json.dumps(specimen.events))
    return config + more


@cache
def server_url() -> str:
    """One server for all specimens of a process: to start one takes longer than most trials. It ends with us."""
    databases = open_databases("embedded", run=f"specimens{os.getpid()}")
    return databases.url(databases.name("any")).rpartition("/")[0] + "/postgres"


@cache
def from_a_database(specimen: Specimen) -> Database | IndexTrial | History:
    """Plans, locks and histories are PostgreSQL's."""
    with tempfile.TemporaryDirectory() as folder:
        root = on_postgres(specimen, Path(folder) / "app", specimen.kind)
        with open_run(load(root, environ={DATABASE_VARIABLE: server_url()})) as run:
            return of_a_database(specimen, Pilot(run), prepare(run, Profile.SWEEP))


def on_postgres(specimen: Specimen, root: Path, module: str) -> Path:
    """The specimen as a project, with its planned indexes and its history."""
    config = IN_A_HOST.format(kind=module).replace('"sqlite"', '"embedded"')
    for index in specimen.settings.get("config", {}).get("indexes", ()):
        config += f"\n[[tool.seatrial.indexes]]\ntable = {json.dumps(index['table'])}\n"
        config += f"columns = {json.dumps(index['columns'])}\n"
    project(root, {}, config=textwrap.dedent(config))
    shutil.copy(specimen.path, root / f"{module}.py")
    history = specimen.folder / f"{specimen.kind}_migrations"
    if history.is_dir():
        shutil.copytree(history, root / "migrations", ignore=shutil.ignore_patterns("__pycache__"))
    return root


def of_a_database(specimen: Specimen, pilot: Pilot, inventory: Inventory) -> Database | IndexTrial | History:
    """What the specimen's rule judges of it."""
    if specimen.code.startswith("MIG"):
        return pilot.history()
    [aim] = whole_database(inventory)
    found = pilot.indexes(aim.members)
    if specimen.code in ("IDX001", "IDX003", "IDX006"):
        return found.planned[0]
    return found.keys[0] if specimen.code == "IDX005" and found.keys else found


@cache
def measured(specimen: Specimen) -> EndpointLoad | Timings | Comparison | LeakTrial | Compared:
    """What takes many calls: of a server under load, or in a host (two of them where revisions are compared)."""
    if specimen.code == LOADED:
        return load_of(specimen)
    if specimen.code == SIGNED:
        [pair], why = signatures.compare(specimen.folder / "sound", specimen.folder / specimen.kind, ())
        assert not why
        return pair
    with _hosted(specimen) as (pilot, inventory):
        route = inventory.by_key(f"{specimen.settings['route']} {specimen.settings['endpoint']}")
        if specimen.code == TIMED:
            return pilot.timings(route, ANONYMOUS)
        if specimen.code == LEAKED:
            return pilot.leaks(route, ANONYMOUS)
        head = routes.Revision(pilot.run, pilot, inventory)
        with _hosted(Specimen(specimen.code, "sound")) as (sound, known):
            base = routes.Revision(sound.run, sound, known)
            [found] = routes.compare(base, head, pairs=15, pattern=route.rule, progress=lambda *_: None)
            return found


@contextmanager
def _hosted(specimen: Specimen) -> Iterator[tuple[Pilot, Inventory]]:
    with tempfile.TemporaryDirectory() as folder:
        config = IN_A_HOST.format(kind=specimen.kind).replace(f'seed = "{specimen.kind}:seed"', "")
        root = project(Path(folder) / "app", {}, config=config)
        shutil.copy(specimen.path, root)
        with open_run(load(root)) as run:
            inventory = prepare(run, Profile.SWEEP)
            yield Pilot(run), inventory


def load_of(specimen: Specimen) -> EndpointLoad:
    """The specimen under gunicorn, asked 120 times per second by the open loop."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    serve = [
        "-m",
        "gunicorn",
        "--threads",
        "60",
        "-b",
        address,
        "--log-level",
        "error",
        f"{specimen.kind}:create_app()",
    ]
    server = subprocess.Popen([sys.executable, *serve], cwd=specimen.folder)
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", int(address.rpartition(":")[2]))) == 0:
                    break
            time.sleep(0.1)
        route = specimen.settings["route"]
        task = Task((Step("GET", route.partition(" ")[2], specimen.subject, 200),))
        plan = Plan(f"http://{address}", (task,), stretches("120", 5), "", rate="120", kind="even", senders=150)
        found = run_load(plan)
    finally:
        server.terminate()
        server.wait(20)
    assert found is not None
    return found.endpoints[0]


def deployed(specimen: Specimen, config: str) -> str:
    """The configuration with as many workers as the specimen has."""
    workers = specimen.settings.get("config", {}).get("workers", 1)
    return config.replace("[tool.seatrial]\n", f"[tool.seatrial]\n    workers = {workers}\n", 1)


@cache
def from_a_host(
    specimen: Specimen,
) -> (
    Exchange
    | tuple[Exchange, ...]
    | ResponseClasses
    | CsrfTrial
    | LogIn
    | LogOut
    | RedirectTrial
    | HostTrial
    | MarkupTrial
):
    """What takes a log-in, or a trial of many requests."""
    with tempfile.TemporaryDirectory() as folder:
        config = IN_A_HOST.format(kind=specimen.kind).replace(f'seed = "{specimen.kind}:seed"', "")
        root = project(Path(folder) / "app", {}, config=config + identities(specimen, specimen.kind))
        shutil.copy(specimen.path, root)
        with open_run(load(root)) as run:
            if specimen.code == SOWN:
                return markup_of(Pilot(run), prepare(run, Profile.SWEEP), specimen)
            inventory, pilot = prepare(run, Profile.PROTECTION), Pilot(run)
            if specimen.code == CLASSES:
                return classes_of(pilot, inventory)
            route = inventory.by_key(f"{specimen.settings['route']} {specimen.settings['endpoint']}")
            if specimen.code in PROVOKED:
                return pilot.errors(route, specimen.identity, Profile.PROTECTION)
            if specimen.code in FORGED:
                return pilot.forged(route, specimen.identity)
            if specimen.code in SESSIONS:
                return session_of(pilot, inventory, route)
            if specimen.code in LEADING:
                return leads_of(pilot, specimen, route)
            return pilot.look(route, specimen.identity)


def session_of(pilot: Pilot, inventory: Inventory, route: Route) -> LogIn | LogOut:
    if logs_out(route):
        return pilot.log_out(route, OWNER)
    return pilot.log_in(route, dict(inventory.doors)[route.key])


def markup_of(pilot: Pilot, inventory: Inventory, specimen: Specimen) -> MarkupTrial:
    key = f"{specimen.settings['route']} {specimen.settings['endpoint']}"
    return next(pilot.markup(aim.members)[key] for aim in showing(inventory))


def leads_of(pilot: Pilot, specimen: Specimen, route: Route) -> RedirectTrial | HostTrial:
    asked = pilot.hosts if specimen.code == ADDRESSED else pilot.redirects
    return asked(route, specimen.identity)


def classes_of(pilot: Pilot, inventory: Inventory) -> ResponseClasses:
    """Of what stands outside of blueprints."""
    [aim] = [aim for aim in blueprints(inventory) if not aim.blueprint]
    return ResponseClasses(aim.subject, pilot.classes(aim.members, Profile.PROTECTION))


def identities(specimen: Specimen, module: str) -> str:
    """The configuration of who logs in, where the specimen has somebody."""
    if login := specimen.settings.get("config", {}).get("login"):
        fields = 'username = "owner", password = "sea-trial-pass"'
        return f'\n[[tool.seatrial.identities]]\nname = "{OWNER}"\nlogin = "{login}"\nfields = {{ {fields} }}\n'
    if specimen.identity == ANONYMOUS:
        return ""
    return f'\n[[tool.seatrial.identities]]\nname = "{specimen.identity}"\ncall = "{module}:log_in"\n'


def context_of(specimen: Specimen) -> Context:
    """What the rule may know besides: the run's configuration, the budget of the sound specimen, the facts."""
    settings = specimen.settings
    config = settings.get("config", {})
    budget = None
    if "budget" in settings:
        sound = exchange_of(Specimen(specimen.code, "sound"))
        assert isinstance(sound, Exchange)
        spent = {"select": sound.count(Kind.SELECT), "dml": sound.count(Kind.DML), "rows": sound.rows}
        assert settings["budget"] == spent
        recorded = Counter(statement.fingerprint for statement in sound.counted)
        budget = Budget(sound.subject, **spent, statements=tuple(recorded.items()))
    with _app(specimen) as app:
        facts = _facts(app)
    return Context(Limits(), config.get("environment", "production"), frozenset(config.get("hot", ())), budget, facts)


@cache
def judged(specimen: Specimen) -> Judgement:
    if specimen.code in STATIC:
        return judged_by_static(specimen)[specimen.code]
    rule = find(specimen.code)
    assert rule is not None
    return rule(exchange_of(specimen), context_of(specimen))


def judged_by_all(specimen: Specimen) -> dict[str, Judgement]:
    """What every rule says of a specimen's own route and facts (budgets aside)."""
    with _app(specimen) as app:
        facts = _facts(app)
        cold = _exchange(app, specimen)
        exchange = _exchange(app, specimen)
        foreign = _from_foreign_origins(app, specimen)
    evidence: dict[str, object] = {"CFG": facts, "ERR": (exchange,), TWICE: (cold, exchange), FOREIGN: foreign}
    context = Context(facts=facts)
    # Of the rules on deliveries each breaks for the flaws of others, too: what loses an event also applies it in part.
    left_out = WITHOUT_SOUND_TWIN | GROWN | SUMS | PASSIVE | FORGED | SESSIONS | LEADING | STATIC | {SOWN}
    left_out = left_out | set(DELIVERED) | ON_A_DATABASE | MEASURED | SMOKED
    if specimen.code in SESSIONS:
        evidence["SES"] = exchange_of(specimen)
        left_out = left_out - ({LOG_OUT} if specimen.code == LOG_OUT else SESSIONS - {LOG_OUT})
    if specimen.code.startswith("RTL"):
        evidence["RTL"], evidence[STORAGE] = rates_of(specimen)
    else:
        left_out = left_out | {rule.code for rule in registered() if rule.family == "RTL"}
    if specimen.code.startswith("OAU"):
        evidence["OAU"] = oauth_of(specimen)
    else:
        left_out = left_out | {rule.code for rule in registered() if rule.family == "OAU"}
    asked = [rule for rule in registered() if rule.code not in left_out]
    return {rule.code: rule(evidence.get(rule.code, evidence.get(rule.family, exchange)), context) for rule in asked}


@contextmanager
def _app(specimen: Specimen) -> Iterator[Flask]:
    with tempfile.TemporaryDirectory() as folder:
        before = os.environ.get("DATABASE_URL")
        os.environ["DATABASE_URL"] = f"sqlite:///{folder}/specimen.db"
        try:
            module = _load(specimen)
            app: Flask = module.create_app()
        finally:
            os.environ.pop("DATABASE_URL")
            if before is not None:
                os.environ["DATABASE_URL"] = before
        database = app.extensions.get("sqlalchemy")
        if database is not None:
            with app.app_context():
                database.create_all()
            module.seed(app)
        try:
            yield app
        finally:
            if database is not None:
                with app.app_context():
                    database.engine.dispose()
            sys.modules.pop(module.__name__, None)


def _load(specimen: Specimen) -> ModuleType:
    """A module of its own each time: nothing is left from the run before."""
    name = f"specimen_{specimen.code}_{specimen.kind}"
    spec = importlib.util.spec_from_file_location(name, specimen.path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _from_foreign_origins(app: Flask, specimen: Specimen) -> tuple[Exchange, ...]:
    return tuple(_exchange(app, specimen, variant, origin=origin) for variant, origin in origins("localhost"))


def _exchange(app: Flask, specimen: Specimen, variant: str = "plain", query: str = "", origin: str = "") -> Exchange:
    method, _, rule = specimen.settings["route"].partition(" ")
    route = Route(method, rule, specimen.settings["endpoint"], path=rule)
    raised: list[Raised] = []

    def on_exception(_: Flask, exception: BaseException, **__: Any) -> None:
        *_, (frame, line) = traceback.walk_tb(exception.__traceback__)
        text = linecache.getline(frame.f_code.co_filename, line).rstrip()
        raised.append(Raised(type(exception).__name__, Place(Path(frame.f_code.co_filename).name, line, text)))

    templates: list[str] = []

    def on_template(_: Flask, template: Any, **__: Any) -> None:
        templates.append(template.name or "<string>")

    with (
        got_request_exception.connected_to(on_exception, app),
        template_rendered.connected_to(on_template, app),
        eager.observe(call_site(specimen.folder)) as loads,
        statements.record(
            rows=True, attribute=attribution(specimen.folder), attributed=ATTRIBUTED[Profile.SWEEP]
        ) as recording,
    ):
        headers = {"Origin": origin} if origin else {}
        response = app.test_client().open(rule + query, method=method, base_url="https://localhost", headers=headers)
        body = response.get_data()
    seen = {"origin": origin, "host": "localhost", "cookie-sizes": cookie_sizes(response.headers.items())}
    if response.mimetype == "text/html":
        seen |= marks(body.decode()) | {"forms": post_forms(body.decode(), "localhost")}
    if response.status_code >= 400:
        seen |= refusals.marks(response.mimetype, body, "")
    return Exchange(
        route=route,
        identity=ANONYMOUS,
        path=rule + query,
        status=response.status_code,
        headers=tuple((name, _without_value(name, value)) for name, value in response.headers.items()),
        variant=variant,
        content_type=response.mimetype,
        body_size=len(body),
        statements=recording.statements(),
        eager=loads.seen(),
        raised=raised[0] if raised else None,
        template=templates[0] if templates else "",
        marks=seen,
    )


def _without_value(name: str, value: str) -> str:
    if name != "Set-Cookie":
        return value
    pair, _, attributes = value.partition(";")
    return f"{pair.partition('=')[0]}=…;{attributes}"


def _facts(app: Flask) -> AppFacts:
    """What Seatrial will read by its own adapter, as far as the specimens need it."""
    config, key = app.config, app.secret_key
    raw = key.encode() if isinstance(key, str) else key
    answers = {
        host: app.test_client().get("/", base_url=f"https://{host}").status_code for host in ("localhost", FORGED_HOST)
    }
    off = "" if config.get("WTF_CSRF_ENABLED", True) else "WTF_CSRF_ENABLED = False"
    return AppFacts(
        profile="protection",
        environment="production",
        protections=(Protection("csrf", "Flask-WTF", not off, off),) if "csrf" in app.extensions else (),
        debug=app.debug,
        testing=app.testing,
        secret_key_length=len(raw) if raw else None,
        secret_key_weakness="it is a word that every attacker tries first" if raw == b"dev" else "",
        body_limit=config["MAX_CONTENT_LENGTH"],
        trusted_hosts=tuple(config.get("TRUSTED_HOSTS") or ()),
        server_name=config["SERVER_NAME"] or "",
        monitors=tuple(_monitors(app)),
        has_database="sqlalchemy" in app.extensions,
        cookie_roles={config["SESSION_COOKIE_NAME"]: "session"},
        host_answers=answers,
    )


def _monitors(app: Flask) -> Iterator[str]:
    if app.config.get("SQLALCHEMY_RECORD_QUERIES"):
        yield "SQLALCHEMY_RECORD_QUERIES"
    if "sqlalchemy" in app.extensions:
        with app.app_context():
            listeners = list(app.extensions["sqlalchemy"].engine.dispatch.after_cursor_execute)
        yield from (
            f"engine listener {listener.__name__}" for listener in listeners if "specimen" in listener.__module__
        )
