"""Loading: homes of the configuration, every mistake at once, values from the environment."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

from seatrial.config import Settings, check_rules, find_root, load
from seatrial.config.settings import LimitTable
from seatrial.model.errors import ConfigurationError
from seatrial.model.evidence import Limits
from seatrial.model.outcomes import ExitCode, Level

# The example of the design, word for word.
EXAMPLE = """
[tool.seatrial]
app = "app:create_app"                 # factory or module:app
services = ["app/services"]            # layers for the static rules
routes = ["app/blueprints"]
blueprints = ["inventory"]             # target blueprints of ARC001; default all
seed = "tests.trial:seed"              # optional callable(app): one of everything
hot = ["GET /inventory/"]              # critical paths (LAT002, smoke budgets); default: routes with a budget
skip = ["/auth/logout", "GET /api/public/bot-trap"]
workers = 4                            # of the deployment; RTL005 needs it
environment = "production"             # what the protection profile stands for
allow_hosts = []
conftest = "tests/trial_conftest.py"    # fixtures that override Seatrial's in hermetic runs; optional

[tool.seatrial.env]                    # environment of the host, set before import
DATABASE_URL = "{database_url}"
[tool.seatrial.config]                 # handed to the factory or app.config
SQLALCHEMY_DATABASE_URI = "{database_url}"
[tool.seatrial.database]
url = "embedded"                       # embedded (PostgreSQL) | sqlite | a URL

[[tool.seatrial.identities]]
name = "owner"
login = "/auth/login"
fields = { username = "owner", password = "env:TRIAL_PASSWORD" }
# or, for a token API: headers = { Authorization = "env:TRIAL_TOKEN" }; or: call = "tests.trial:log_in"

[tool.seatrial.arguments]              # sample values by name
item_id = 1

[tool.seatrial.oauth]                  # only where discovery does not find them
login = "/auth/login"
callback = "/auth/callback"

[[tool.seatrial.outbound]]             # recorded, never sent; answered 200 `{}` unless said otherwise here
url = "https://mail.example/*"
status = 202
json = { queued = true }

[[tool.seatrial.webhooks]]
path = "/billing/webhooks/stripe"
provider = "stripe"                    # stripe | standard | generic with sign = "tests.trial:sign"
secret_config = "STRIPE_WEBHOOK_SECRET"
events = ["checkout.session.completed", "customer.subscription.updated"]
retry = "app.billing:retry_failed"     # the app's own retry entry, if it has one
bookkeeping = ["stripe_events.attempts", "stripe_events.error_message"]   # may differ after a retry

[[tool.seatrial.idempotency]]
route = "POST /api/payments"

[tool.seatrial.gates]                  # block | warn | off
ruff = "block"
mypy = "warn"
bandit = "warn"
pytest = "block"
[tool.seatrial.rules]                  # a level per rule, for adopting step by step: block | warn | info | off
HDR002 = "warn"

[[tool.seatrial.indexes]]
table = "inventory_history"
columns = ["inventory_item_id", "remaining_quantity"]
"""


def project(tmp_path: Path, toml: str, name: str = "pyproject.toml") -> Path:
    (tmp_path / name).write_text(toml, encoding="utf-8")
    return tmp_path


def mistakes(root: Path, environ: dict[str, str] | None = None, **more: Any) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load(root, environ=environ or {}, **more)
    assert caught.value.exit_code is ExitCode.CONFIGURATION
    return list(caught.value.mistakes)


def minimal(more: str = "") -> str:
    return f'[tool.seatrial]\napp = "app:create_app"\n{more}'


class TestExample:
    @pytest.fixture
    def settings(self, tmp_path: Path) -> Settings:
        for folder in ("app/services", "app/blueprints", "tests"):
            (tmp_path / folder).mkdir(parents=True)
        (tmp_path / "tests/trial_conftest.py").touch()
        return load(project(tmp_path, EXAMPLE), environ={"TRIAL_PASSWORD": "hunter22"})

    def test_every_documented_key_arrives(self, settings: Settings, tmp_path: Path) -> None:
        assert (tmp_path, tmp_path / "pyproject.toml") == (settings.root, settings.file)
        assert settings.app == "app:create_app"
        assert settings.services == ["app/services"]
        assert settings.skip == ["/auth/logout", "GET /api/public/bot-trap"]
        assert settings.workers == 4
        assert settings.database.url == "embedded"
        assert settings.identities[0].fields == {"username": "owner", "password": "hunter22"}
        assert settings.arguments == {"item_id": 1}
        assert settings.oauth is not None
        assert settings.oauth.callback == "/auth/callback"
        assert (settings.outbound[0].status, settings.outbound[0].body) == (202, {"queued": True})
        assert settings.webhooks[0].bookkeeping == ["stripe_events.attempts", "stripe_events.error_message"]
        assert settings.idempotency[0].route == "POST /api/payments"
        assert settings.rules == {"HDR002": Level.WARN}
        assert settings.gates.pytest is Level.BLOCK
        assert settings.indexes[0].columns == ["inventory_item_id", "remaining_quantity"]

    def test_placeholders_are_filled(self, settings: Settings) -> None:
        assert settings.environment_for("sweep", "postgresql://x/y") == {"DATABASE_URL": "postgresql://x/y"}
        assert settings.config_for("protection", "sqlite://") == {"SQLALCHEMY_DATABASE_URI": "sqlite://"}

    def test_a_password_is_not_in_the_repr(self, settings: Settings) -> None:
        assert "hunter22" not in repr(settings)


def test_defaults(tmp_path: Path) -> None:
    settings = load(project(tmp_path, minimal()), environ={})
    assert settings.sources == ["."]
    assert settings.factory == "auto"
    assert settings.limits == Limits()
    assert settings.state_folder == tmp_path / ".seatrial"
    assert (settings.deadlines.request_s, settings.deadlines.build_s) == (10, 60)
    assert (settings.deadlines.trial_s, settings.deadlines.tool_s) == (120, 600)
    assert [settings.gates.ruff, settings.gates.mypy, settings.gates.bandit] == ["block", "warn", "warn"]


def test_limits_take_the_keys_of_the_model(tmp_path: Path) -> None:
    assert [field.name for field in dataclasses.fields(Limits)] == list(LimitTable.model_fields)
    settings = load(project(tmp_path, minimal("[tool.seatrial.limits]\nrepeated_statements = 5")), environ={})
    assert settings.limits == Limits(repeated_statements=5)


# (what stands in the file after `app`, the mistakes: key and a piece of the sentence)
BAD: list[tuple[str, list[tuple[str, str]]]] = [
    ("servics = []", [("servics", "is no key of Seatrial; did you mean services?")]),
    ("zzz = 1", [("zzz", "delete it; known here: app, factory")]),
    ('root = "."', [("root", "is no key of Seatrial")]),
    ('[tool.seatrial.gates]\nrufff = "off"', [("gates.rufff", "did you mean ruff?")]),
    ("[tool.seatrial.limits]\nslow_statment_ms = 3", [("limits.slow_statment_ms", "did you mean slow_statement_ms?")]),
    ('[[tool.seatrial.outbound]]\nurl = "https://a/*"\nbody = 1', [("outbound[0].body", "is no key of Seatrial")]),
    (
        '[[tool.seatrial.outbound]]\nurl = "https://a/*"\njsn = 1',
        [("outbound[0].jsn", "did you mean json?")],
    ),
    ("[tool.seatrial.sweep]\nconfg = {}", [("sweep.confg", "did you mean config?")]),
    ('workers = "4"', [("workers", "must be a whole number, but is text; write it without quotes")]),
    ("workers = 0", [("workers", "must be at least 1")]),
    ("workers = 1.5", [("workers", "must be a whole number")]),
    ('services = "app"', [("services", 'must be a list, but is text; write services = ["app/services"]')]),
    ("hot = [3]", [("hot[0]", "must be text, but is a number; put it in quotes")]),
    ("state = true", [("state", "must be text, but is true or false")]),
    ('env = "x"', [("env", "must be a table, but is text; begin it with [tool.seatrial.env]")]),
    ("[tool.seatrial.env]\nPORT = 5000", [("env.PORT", "must be text, but is a number; put it in quotes")]),
    ('identities = "x"', [("identities", "begin each with [[tool.seatrial.identities]]")]),
    ('environment = "prod"', [("environment", "did you mean production? use one of production, staging")]),
    ('factory = "clas"', [("factory", "did you mean class?")]),
    ('factory = "class"', [("factory_argument", "is missing")]),
    ('factory = "dict"\nfactory_argument = "x"', [("factory_argument", "does nothing")]),
    ('hot = ["/inventory"]', [("hot[0]", 'write it like "GET /inventory/"')]),
    ('skip = ["logout"]', [("skip[0]", "is not a pattern of routes")]),
    ('seed = "flask "', [("seed[0]", "names no command")]),
    ('seed = "seed"', [("seed[0]", "neither")]),
    ('services = ["nowhere"]', [("services[0]", 'there is no "nowhere" in the project')]),
    ('routes = ["nowhere"]', [("routes[0]", 'there is no "nowhere" in the project')]),
    ('sources = ["nowhere"]', [("sources[0]", 'there is no "nowhere" in the project')]),
    ("sources = []", [("sources", "is empty; name at least one")]),
    ('sources = ["../x"]', [("sources[0]", "there is no"), ("sources[0]", "is not a path inside the project")]),
    ('conftest = "c.py"', [("conftest", "there is no file")]),
    ('state = "/var/x"', [("state", "is not a path inside the project")]),
    ('[tool.seatrial.gates]\nmypy = "info"', [("gates.mypy", '"info" is not a level; use one of block, warn, off')]),
    ('[tool.seatrial.rules]\nHDR002 = "wrn"', [("rules.HDR002", "use one of block, warn, info, off")]),
    ('[tool.seatrial.rules]\nhdr2 = "warn"', [("rules.hdr2", "is not the code of a rule")]),
    ("[tool.seatrial.deadlines]\ntool_s = 0", [("deadlines.tool_s", "must be greater than 0")]),
    ("[tool.seatrial.deadlines]\ntool_s = inf", [("deadlines.tool_s", "must be a finite number")]),
    ('[tool.seatrial.limits]\nbody_bytes = "1M"', [("limits.body_bytes", "must be a whole number, but is text")]),
    ("[tool.seatrial.arguments]\nid = [1]", [("arguments.id", "must be text or a number, but is a list")]),
    ("[tool.seatrial.arguments]\nid = true", [("arguments.id", "but is true or false")]),
    ("[tool.seatrial.oauth]", [("oauth", "is empty")]),
    ('[[tool.seatrial.outbound]]\nurl = "mail"', [("outbound[0].url", "is not a web address")]),
    ('[[tool.seatrial.outbound]]\nurl = "https://a"\nstatus = 99', [("outbound[0].status", "must be at least 100")]),
    ('[[tool.seatrial.indexes]]\ntable = "t"\ncolumns = []', [("indexes[0].columns", "is empty")]),
    ('[[tool.seatrial.idempotency]]\nroute = "/p"', [("idempotency[0].route", 'of the form "METHOD /rule"')]),
    ('[[tool.seatrial.growth]]\nroute = "GET /p"', [("growth[0]", "is tried without being named")]),
    (
        '[[tool.seatrial.growth]]\nroute = "GET /p"\nquery = {q = "a"}\njson = 1',
        [("growth[0]", "has no body")],
    ),
    (
        '[[tool.seatrial.growth]]\nroute = "POST /p"\njson = 1\nform = {a = 1}',
        [("growth[0]", "sends json and form")],
    ),
    (
        '[[tool.seatrial.webhooks]]\npath = "/w"\nprovider = "generic"',
        [("webhooks[0].sign", "is missing")],
    ),
    (
        '[[tool.seatrial.webhooks]]\npath = "/w"\nprovider = "stripe"\nsign = "a:b"',
        [("webhooks[0].sign", "does nothing"), ("webhooks[0].secret_config", "is missing")],
    ),
    ('[[tool.seatrial.identities]]\nname = "anonymous"\nuser_id = 1', [("identities[0].name", "is taken")]),
    ('[[tool.seatrial.identities]]\nname = "a"', [("identities[0]", "says nothing of how to log in")]),
    (
        '[[tool.seatrial.identities]]\nname = "a"\nlogin = "/l"\nfields = {u = "x"}\ncall = "a:b"',
        [("identities[0]", "logs in by login and call")],
    ),
    ('[[tool.seatrial.identities]]\nname = "a"\nlogin = "/l"', [("identities[0].fields", "is missing")]),
    (
        '[[tool.seatrial.identities]]\nname = "a"\ncall = "a:b"\nfields = {u = "x"}',
        [("identities[0].fields", "does nothing without login")],
    ),
    (
        '[[tool.seatrial.identities]]\nname = "a"\nuser_id = 1\n[[tool.seatrial.identities]]\nname = "a"\nuser_id = 2',
        [("identities[1].name", "is taken by another identity")],
    ),
    ('[tool.seatrial.config]\nA = ["env:GONE"]', [("config.A[0]", "the environment variable GONE is not set")]),
    ('[tool.seatrial.config]\nA = "env:EMPTY"', [("config.A", "the environment variable EMPTY is empty")]),
    ('[tool.seatrial.config]\nU = "{database_uri}"', [("config.U", "did you mean {database_url}?")]),
    ('[tool.seatrial.database]\nurl = "mysql://h/d"', [("database.url", "PostgreSQL server")]),
    (
        '[tool.seatrial.database]\nurl = "postgres://localhost/d"',
        [("database.url", "begin the URL with postgresql://")],
    ),
    ('[tool.seatrial.database]\nurl = "sqlite:///x.db"', [("database.url", 'write "sqlite" for a fresh one')]),
    (
        '[tool.seatrial.database]\nurl = "postgresql://u:pw@db.example:5432/d"',
        [("database.url", '"db.example" is not this machine; add allow_hosts = ["db.example"]')],
    ),
    (
        '[tool.seatrial.database]\nurl = "postgresql:///d?host=db.example"',
        [("database.url", '"db.example" is not this machine')],
    ),
]


@pytest.mark.parametrize(("toml", "expected"), BAD, ids=[entry[0].replace("\n", " ") for entry in BAD])
def test_a_mistake_names_file_key_and_way_out(tmp_path: Path, toml: str, expected: list[tuple[str, str]]) -> None:
    said = mistakes(project(tmp_path, minimal(toml)), {"EMPTY": ""})
    assert len(said) == len(expected), said
    for line, (key, piece) in zip(sorted(said), sorted(expected), strict=True):
        assert line.startswith(f"pyproject.toml: tool.seatrial.{key}: ")
        assert piece in line
        assert re.search(r"; \S", line), "every mistake ends with the way out"


def test_all_mistakes_at_once(tmp_path: Path) -> None:
    toml = "[tool.seatrial]\n" + "\n".join(
        entry[0] for entry in [*BAD[:2], ("services = ['nowhere']", []), ('factory = "class"', [])]
    )
    toml += '\n[tool.seatrial.config]\nA = "env:GONE"\nB = "sk_live_abc"\n[tool.seatrial.rules]\nSQL999 = "warn"'
    said = mistakes(project(tmp_path, toml), rule_codes={"SQL001"})
    keys = {line.split(": ")[1].removeprefix("tool.seatrial.") for line in said}
    assert keys == {
        "app", "servics", "zzz", "services[0]", "factory_argument", "config.A", "config.B", "rules.SQL999",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("app", "hint"),
    [
        ("app.create_app", 'did you mean "app:create_app"?'),
        ("app:create_app()", 'did you mean "app:create_app"?'),
        ("src/app.py:create_app", 'did you mean "src.app:create_app"?'),
        ("app", 'write it like "package.module:name"'),
        ("a b:c", 'write it like "package.module:name"'),
    ],
)
def test_an_app_is_module_and_attribute(tmp_path: Path, app: str, hint: str) -> None:
    assert mistakes(project(tmp_path, f'[tool.seatrial]\napp = "{app}"')) == [
        f'pyproject.toml: tool.seatrial.app: "{app}" is not "module:name"; {hint}'
    ]


class TestHomes:
    def test_own_file_at_the_top(self, tmp_path: Path) -> None:
        project(tmp_path, "[project]\nname = 'x'")
        assert load(project(tmp_path, 'app = "a:b"', "seatrial.toml"), environ={}).app == "a:b"

    def test_own_file_under_the_table(self, tmp_path: Path) -> None:
        assert load(project(tmp_path, '[tool.seatrial]\napp = "a:b"', "seatrial.toml"), environ={}).app == "a:b"

    def test_a_mistake_at_the_top_has_no_prefix(self, tmp_path: Path) -> None:
        root = project(tmp_path, 'app = "a:b"\nwokers = 1', "seatrial.toml")
        assert mistakes(root) == ["seatrial.toml: wokers: is no key of Seatrial; did you mean workers?"]

    def test_two_homes(self, tmp_path: Path) -> None:
        project(tmp_path, minimal("zzz = 1"))
        said = mistakes(project(tmp_path, 'app = "a:b"', "seatrial.toml"))
        assert len(said) == 2
        assert "keep one of the two" in said[0]
        assert "zzz" in said[1]

    def test_two_homes_in_one_file(self, tmp_path: Path) -> None:
        said = mistakes(project(tmp_path, 'workers = 1\n[tool.seatrial]\napp = "a:b"', "seatrial.toml"))
        assert "two homes in one file" in said[0]

    @pytest.mark.parametrize("toml", [None, "[project]\nname = 'x'"])
    def test_none(self, tmp_path: Path, toml: str | None) -> None:
        if toml is not None:
            project(tmp_path, toml)
        (said,) = mistakes(tmp_path)
        assert "run `seatrial init`" in said

    def test_a_named_file_is_the_only_one(self, tmp_path: Path) -> None:
        project(tmp_path, "not toml at all")
        (tmp_path / "ci").mkdir()
        project(tmp_path / "ci", 'app = "a:b"', "trial.toml")
        assert load(tmp_path, Path("ci/trial.toml"), environ={}).file == tmp_path / "ci/trial.toml"
        assert "there is no such file" in mistakes(tmp_path, file=Path("gone.toml"))[0]

    def test_unparsable_with_line(self, tmp_path: Path) -> None:
        (said,) = mistakes(project(tmp_path, '[tool.seatrial]\napp = "a:b"\nworkers = = 1\n'))
        assert said.startswith("pyproject.toml: line 3: not valid TOML (")

    def test_unparsable_at_the_end(self, tmp_path: Path) -> None:
        (said,) = mistakes(project(tmp_path, '[tool.seatrial]\napp = "a:b'))
        assert said.startswith("pyproject.toml: line 2: not valid TOML (")

    def test_not_utf8(self, tmp_path: Path) -> None:
        (tmp_path / "seatrial.toml").write_bytes(b'app = "a:b"\n# caf\xe9\n')
        assert mistakes(tmp_path)[0].startswith("seatrial.toml: line 2: is not UTF-8")

    def test_a_byte_order_mark_is_forgiven(self, tmp_path: Path) -> None:
        (tmp_path / "seatrial.toml").write_bytes(b'\xef\xbb\xbfapp = "a:b"\n')
        assert load(tmp_path, environ={}).app == "a:b"

    def test_not_a_table(self, tmp_path: Path) -> None:
        assert "must be a table" in mistakes(project(tmp_path, "[tool]\nseatrial = 3"))[0]

    def test_no_such_root(self, tmp_path: Path) -> None:
        assert "there is no such folder" in mistakes(tmp_path / "gone")[0]


class TestEnvironment:
    def test_references_are_resolved_wherever_values_go_out(self, tmp_path: Path) -> None:
        toml = minimal(
            '[tool.seatrial.env]\nA = "env:X"\n[tool.seatrial.config]\nB = { c = ["env:X", 1] }\n'
            '[tool.seatrial.sweep.config]\nB = "env:X"\n'
            '[[tool.seatrial.identities]]\nname = "api"\nheaders = { Authorization = "env:X" }\n'
        )
        settings = load(project(tmp_path, toml), environ={"X": "value"})
        assert settings.env == {"A": "value"}
        assert settings.config == {"B": {"c": ["value", 1]}}
        assert settings.sweep.config == {"B": "value"}
        assert settings.identities[0].headers == {"Authorization": "value"}

    def test_only_a_whole_value_is_a_reference(self, tmp_path: Path) -> None:
        toml = minimal('skip = ["/env:X"]\n[tool.seatrial.config]\nA = "x env:X"')
        settings = load(project(tmp_path, toml), environ={})
        assert settings.config == {"A": "x env:X"}

    def test_the_variable_overrides_the_database(self, tmp_path: Path) -> None:
        root = project(tmp_path, minimal('[tool.seatrial.database]\nurl = "sqlite"'))
        url = "postgresql+psycopg://u:p@localhost:5433/x"
        assert load(root, environ={"SEATRIAL_DATABASE_URL": url}).database.url == url

    def test_a_mistake_in_the_variable_names_the_variable(self, tmp_path: Path) -> None:
        root = project(tmp_path, minimal())
        said = mistakes(root, {"SEATRIAL_DATABASE_URL": "postgresql://u:hunter22@prod.example/x"})
        assert len(said) == 1
        assert said[0].startswith('environment: SEATRIAL_DATABASE_URL: "prod.example" is not this machine')
        assert "hunter22" not in said[0]

    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]:5432", "", "db.example"])
    def test_hosts_that_may_be_used(self, tmp_path: Path, host: str) -> None:
        root = project(tmp_path, minimal('allow_hosts = ["db.example"]'))
        assert host in load(root, environ={"SEATRIAL_DATABASE_URL": f"postgresql://{host}/x"}).database.url

    @pytest.mark.parametrize("key", ["sk_live_abc", "rk_live_abc", "Bearer sk_live_abc"])
    @pytest.mark.parametrize(
        "where", ['[tool.seatrial.env]\nK = "{}"', '[tool.seatrial.sweep.config]\nK = {{ n = ["{}"] }}']
    )
    def test_live_keys_are_refused(self, tmp_path: Path, key: str, where: str) -> None:
        (said,) = mistakes(project(tmp_path, minimal(where.format(key))))
        assert "is a live Stripe key" in said
        assert "abc" not in said

    def test_live_keys_are_refused_where_they_come_from_the_environment(self, tmp_path: Path) -> None:
        root = project(tmp_path, minimal('[tool.seatrial.config]\nSTRIPE = "env:STRIPE"'))
        (said,) = mistakes(root, {"STRIPE": "sk_live_abc"})
        assert said.startswith("pyproject.toml: tool.seatrial.config.STRIPE: is a live Stripe key")

    def test_other_keys_are_fine(self, tmp_path: Path) -> None:
        toml = minimal('[tool.seatrial.config]\nA = "sk_test_x"\nB = "whsec_x"\nC = "task_live_x"')
        assert load(project(tmp_path, toml), environ={}).config["B"] == "whsec_x"


def test_rule_codes_are_checked_by_who_knows_them(tmp_path: Path) -> None:
    root = project(tmp_path, minimal('[tool.seatrial.rules]\nSQL010 = "off"\n"ruff:F401" = "off"'))
    settings = load(root, environ={})
    check_rules(settings, {"SQL010"})
    with pytest.raises(ConfigurationError) as caught:
        check_rules(settings, {"SQL001", "HDR001"})
    assert caught.value.mistakes == ("pyproject.toml: tool.seatrial.rules.SQL010: is no rule; did you mean SQL001?",)


class TestRoot:
    def test_the_nearest_configuration_wins(self, tmp_path: Path) -> None:
        project(tmp_path, minimal())
        inner = tmp_path / "a/b"
        inner.mkdir(parents=True)
        (inner / "pyproject.toml").write_text("[project]\nname = 'x'")
        assert find_root(inner) == tmp_path
        assert find_root(inner / "pyproject.toml") == tmp_path

    def test_broken_configuration_is_found_too(self, tmp_path: Path) -> None:
        project(tmp_path, "[tool.seatrial]\n= =")
        (tmp_path / "a").mkdir()
        assert find_root(tmp_path / "a") == tmp_path

    def test_the_search_ends_at_the_repository(self, tmp_path: Path) -> None:
        project(tmp_path, minimal())
        repository = tmp_path / "repository"
        (repository / ".git").mkdir(parents=True)
        (repository / "app").mkdir()
        assert find_root(repository / "app") == repository

    def test_nothing_at_all(self, tmp_path: Path) -> None:
        (tmp_path / ".git").mkdir()
        (tmp_path / "x").mkdir()
        assert find_root(tmp_path / "x") == tmp_path
