"""The pytest plugin. This module is imported by every pytest run of everyone who has Seatrial installed, used or not:
it imports nothing but pytest, and everything else only when an option, a marker or a fixture asks for it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from seatrial.plugin.fault_fixtures import IdempotencyTrial, WebhookTrial
    from seatrial.plugin.fixtures import SqlBudget
    from seatrial.plugin.thin import ThinRoute

MARKER = "max_statements(n): fail the test when it sends more than n SQL statements (select and dml)."


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("seatrial", "sea trials of a Flask app")
    add = group.addoption
    add("--seatrial", action="store_true", help="run Seatrial's guards (alone: only them; with paths: both)")
    add("--seatrial-route", metavar="GLOB", help="only routes whose `METHOD rule` or rule matches, e.g. 'GET /items/*'")
    add("--seatrial-passive", action="store_true", help="record what every request of this suite does")
    add("--seatrial-passive-json", metavar="FILE", help="passive mode, and what it saw as JSON")
    add(
        "--seatrial-passive-strict",
        action="store_true",
        help="passive mode, and exit status 1 where a test requests what no route serves or a GET writes",
    )
    add(
        "--seatrial-target", metavar="DIR", help="root of the project under trial (default: found upwards from rootdir)"
    )
    add("--seatrial-config", metavar="FILE", help="configuration file (default: pyproject.toml or seatrial.toml)")
    add("--seatrial-only", metavar="CODES", help="only guards of these rule families or codes, comma separated")
    add(
        "--seatrial-replay",
        metavar="FINGERPRINT",
        help="only guards that can find this again, until one does (used by `seatrial check --replay`)",
    )
    add(
        "--seatrial-subject", metavar="SUBJECT", help="what it is about, where that is known (used by the same command)"
    )
    add(
        "--seatrial-time-budget",
        metavar="SECONDS",
        type=float,
        help="for all faults that webhooks are tried with; what is left untried then is not proved",
    )
    add("--seatrial-fault", metavar="EVENT/ID", help="only this fault, as a finding of WHK names it")
    add("--seatrial-smoke", metavar="URL", action="append", help="smoke this deployment, a test per family of rules")
    add("--seatrial-smoke-routes", metavar="FILE", help="for it: inventory written by `seatrial routes --export`")
    add(
        "--seatrial-stream",
        metavar="FD",
        type=int,
        help="hand results to the parent process (used by `seatrial check`)",
    )


def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Before the session begins, so that a configuration that cannot be used is answered in sentences alone."""
    if "SEATRIAL_GATE" in os.environ or not config.getoption("--seatrial"):
        return None
    from seatrial.config.versions import refuse_unsupported
    from seatrial.model.errors import ConfigurationError

    try:
        refuse_unsupported()
    except ConfigurationError as error:
        sys.stderr.writelines(f"seatrial: {mistake}\n" for mistake in error.mistakes)
        return int(error.exit_code)
    from seatrial.plugin import guards

    return guards.prepare(config)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)
    if "SEATRIAL_GATE" in os.environ:  # the team's suite as a gate of `seatrial check`, which runs the guards itself
        return
    if config.getoption("--seatrial"):
        from seatrial.plugin import guards

        guards.register(config)
    if config.getoption("--seatrial-smoke"):
        from seatrial.plugin import smoking

        smoking.register(config)
    passive_options = ("--seatrial-passive", "--seatrial-passive-json", "--seatrial-passive-strict")
    if any(map(config.getoption, passive_options)):
        from seatrial.plugin import passive

        passive.register(config)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    marker = item.get_closest_marker("max_statements")
    if marker is None:
        return (yield)
    from seatrial.plugin.fixtures import limited

    with limited(marker):
        return (yield)


@pytest.fixture
def sql_budget() -> SqlBudget:
    """`with sql_budget(5): …` or `sql_budget(select=5, dml=0)`: fails with the statements that were sent."""
    from seatrial.plugin.fixtures import SqlBudget

    return SqlBudget()


@pytest.fixture
def webhook_trial(request: pytest.FixtureRequest) -> WebhookTrial:
    """`webhook_trial("/billing/webhooks/stripe", event="invoice.paid")` breaks it, and fails with findings."""
    from seatrial.plugin.fault_fixtures import WebhookTrial

    return WebhookTrial(request.config)


@pytest.fixture
def idempotency_trial(request: pytest.FixtureRequest) -> IdempotencyTrial:
    """`idempotency_trial("POST /api/payments")` sends requests with keys, and fails with findings."""
    from seatrial.plugin.fault_fixtures import IdempotencyTrial

    return IdempotencyTrial(request.config)


@pytest.fixture
def response_time() -> Callable[..., Any]:
    """`response_time(lambda: client.get("/"))`: fails where the median of warm calls is over 200 ms (`limit_ms=`)."""
    from seatrial.plugin import measuring

    return measuring.response_time


@pytest.fixture
def leak_guard(pytestconfig: pytest.Config) -> Callable[..., Any]:
    """`leak_guard(lambda: service.quote(7))`: fails where the process grows with every call, and names the line."""
    from seatrial.plugin import measuring

    return measuring.LeakGuard(pytestconfig.rootpath)


@pytest.fixture
def assert_secure_headers() -> Callable[..., None]:
    """`assert_secure_headers(response)`: the header and cookie rules on a response of your own test client."""
    from seatrial.plugin import fixtures

    return fixtures.assert_secure_headers


@pytest.fixture
def assert_thin_route(request: pytest.FixtureRequest) -> ThinRoute:
    """`assert_thin_route(client, "GET /items/", calls=…, returning=…, answers=…)`: this service, and its result."""
    from seatrial.plugin.thin import ThinRoute

    return ThinRoute(request.config.rootpath)
