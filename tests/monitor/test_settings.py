"""Settings come from `app.config` and keyword arguments; every mistake is told at once, and none of the secrets."""

import subprocess
import sys
from typing import Any

import pytest
from flask import Flask
from monitor.shops import shop, watched_reports
from prometheus_client import CollectorRegistry

from seatrial.monitor import Monitor, MonitorError, limits


def app_with(config: dict[str, Any]) -> Flask:
    app = Flask("shop")
    app.config.update(config)
    return app


def settings(config: dict[str, Any], **options: Any) -> Any:
    app = app_with(config)
    Monitor(app, **options)
    return app.extensions["seatrial.monitor"].settings


def test_defaults() -> None:
    found = settings({})
    assert (found.slow_statement_ms, found.max_statements, found.max_database_ms) == (100, 50, 500)
    assert (found.token, found.prometheus, found.metrics_path) == (None, False, None)


def test_configuration_and_arguments_which_go_first() -> None:
    found = settings({"SEATRIAL_SLOW_STATEMENT_MS": 20, "SEATRIAL_MAX_STATEMENTS": 7}, max_statements=None)
    assert (found.slow_statement_ms, found.max_statements) == (20, None)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("ENABLED", "yes", "must be True or False but is 'yes'"),
        ("SLOW_STATEMENT_MS", "100", "must be a number above 0, or None to switch it off, but is '100'"),
        ("SLOW_STATEMENT_MS", float("nan"), "must be a number above 0"),
        ("MAX_STATEMENTS", 0, "must be a whole number from 1, or None to switch it off, but is 0"),
        ("MAX_STATEMENTS", True, "must be a whole number from 1"),
        ("MAX_DATABASE_MS", -1, "must be a number above 0"),
        ("LOG_LINES_PER_MINUTE", None, "must be a whole number from 1 but is None"),
        ("ROUTE_LIMITS", ["GET /"], "must map routes ('GET /items/') or endpoints to limits"),
        ("ROUTE_LIMITS", {"GET /": {"queries": 3}}, "['GET /']: 'queries' is no limit; use statements or database_ms"),
        ("ROUTE_LIMITS", {"home": {"statements": 1.5}}, "['home']: statements must be a whole number from 1"),
        ("ROUTE_LIMITS", {"home": 3}, "must be a mapping such as {'statements': 100} but is 3"),
        ("PROMETHEUS", 1, "must be True or False but is 1"),
        ("MAX_ROUTES", 0, "must be a whole number from 1 but is 0"),
        ("METRICS_PATH", "metrics", "must be a path such as '/metrics', or None, but is 'metrics'"),
        ("METRICS_PATH", "/metrics", "prometheus is off: set SEATRIAL_PROMETHEUS = True"),
        ("METRICS_TOKEN", "0123456789abcdef", "there is no endpoint to protect: set SEATRIAL_METRICS_PATH"),
        ("REGISTRY", "default", "must be a prometheus_client.CollectorRegistry, or None for the default one"),
        ("APP_NAME", "", "must be a name, or None for the app's own"),
        ("SLOW_STATEMENTS_MS", 5, "SEATRIAL_SLOW_STATEMENTS_MS is no key; did you mean SEATRIAL_SLOW_STATEMENT_MS?"),
    ],
)
def test_wrong_values_are_refused(key: str, value: Any, words: str) -> None:
    app = app_with({f"SEATRIAL_{key}": value})
    with pytest.raises(MonitorError) as caught:
        Monitor(app)
    assert words in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert "seatrial.monitor" not in app.extensions


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(MonitorError) as caught:
        Monitor(app_with({"SEATRIAL_MAX_STATEMENTS": 0, "SEATRIAL_TOKEN": "short"}), slow_ms=5)  # type: ignore[call-arg]
    told = str(caught.value).splitlines()
    assert len(told) == 3
    assert all(line.startswith("seatrial.monitor: ") for line in told)
    assert "slow_ms is no option" in str(caught.value)


@pytest.mark.parametrize("token", ["hunter2", "with a space 0123456789", "ünïcödé-0123456789", 12345678901234567890])
def test_a_refused_token_is_not_shown(token: Any) -> None:
    with pytest.raises(MonitorError, match=r"SEATRIAL_TOKEN must") as caught:
        Monitor(app_with({"SEATRIAL_TOKEN": token}))
    assert str(token) not in str(caught.value)


def test_keys_of_other_parts_are_left_alone() -> None:
    assert settings({"SEATRIAL_WEBHOOK_TABLE": "events"}).enabled


def test_without_prometheus_client_the_way_out_is_named() -> None:
    code = (
        "import sys; sys.modules['prometheus_client'] = None\n"
        "import importlib.util; find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name: None if name == 'prometheus_client' else find(name)\n"
        "from flask import Flask; from seatrial.monitor import Monitor\n"
        "Monitor(Flask('a'))\n"
        "try: Monitor(Flask('b'), prometheus=True)\n"
        "except ValueError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'seatrial[monitor]'" in done.stdout


def test_switched_off_it_leaves_the_app_alone() -> None:
    app = Flask("shop")
    inner = app.wsgi_app
    Monitor(app, enabled=False)
    assert app.wsgi_app == inner
    assert "seatrial.monitor" not in app.extensions


def test_a_second_init_app_changes_nothing() -> None:
    app = shop()
    layer = app.wsgi_app
    monitor = Monitor(app)
    monitor.init_app(app)
    assert app.wsgi_app is layer
    with watched_reports(app) as seen:
        app.test_client().get("/send/3")
    assert seen == [("GET", "/send/<int:count>", 200, 3)]


def test_one_monitor_for_several_apps() -> None:
    monitor, apps = Monitor(max_statements=9), (Flask("one"), Flask("two"))
    for app in apps:
        monitor.init_app(app)
    assert [app.extensions["seatrial.monitor"].settings.max_statements for app in apps] == [9, 9]
    assert apps[0].extensions["seatrial.monitor"] is not apps[1].extensions["seatrial.monitor"]


def test_a_registry_that_has_the_names_is_refused_and_left_as_it_was() -> None:
    from prometheus_client import Histogram

    registry = CollectorRegistry()
    Histogram("seatrial_request_seconds", "Somebody else's.", registry=registry)
    with pytest.raises(MonitorError, match=r"registry=CollectorRegistry\(\)"):
        Monitor(Flask("shop"), prometheus=True, registry=registry)
    assert {metric.name for metric in registry.collect()} == {"seatrial_request_seconds"}


@pytest.mark.parametrize("given", [{"statements": 0}, {"statements": "5"}, {"database_ms": -1}])
def test_the_decorator_refuses_what_is_no_limit(given: Any) -> None:
    with pytest.raises(ValueError, match="limits: "):
        limits(**given)


def test_importing_it_is_light() -> None:
    code = (
        "import flask, sqlalchemy, sys; a = set(sys.modules); import seatrial.monitor; print(*(set(sys.modules) - a))"
    )
    added = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "seatrial.monitor" in added
    assert {name.partition(".")[0] for name in added} - sys.stdlib_module_names == {"seatrial"}
    ours = {name.split(".")[1] for name in added if name.count(".") and name.startswith("seatrial")}
    assert ours == {"model", "monitor", "observe"}
