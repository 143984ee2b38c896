"""The hardened stockroom under gunicorn: sound it passes, and broken in ten ways it gets exactly its codes."""

import random
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from deployment import stand
from deployment.stand import TEN, Ground, Outcome

from seatrial.reports import json_report

SHORT = set(random.Random("smoke").sample(sorted(TEN), 2))
"""In every run; the others are cells of a matrix."""


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    return stand.prepared(tmp_path_factory.mktemp("deployments"))


def cells() -> Iterator[Any]:
    for broken in TEN:
        yield pytest.param(broken, marks=[] if broken in SHORT else [pytest.mark.matrix], id=broken.replace(" ", "-"))


def not_proved(outcome: Outcome) -> set[tuple[str, str]]:
    return {(c["rule"], c["subject"]) for c in outcome.result["checks"] if c["outcome"] == "not_proved"}


def test_a_sound_deployment_passes(ground: Ground) -> None:
    outcome = stand.smoked_as_documented(ground, "")
    assert (outcome.exit_code, outcome.codes) == (0, set()), outcome.output
    document = outcome.result
    jsonschema.validate({key: value for key, value in document.items() if key != "smoke"}, json_report.schema())
    passed = {check["rule"] for check in document["checks"] if check["outcome"] == "pass"}
    assert {f"SMK{number:03}" for number in range(1, 12)} | {"HDR001", "HDR010", "HDR013", "ERR001", "ERR004"} <= passed
    [deployment] = document["smoke"]["deployments"]
    assert deployment["commits"] == {stand.COMMIT: deployment["routes"] + 1}
    assert deployment["tls"]["days_left"] == 90
    # A stranger sees no page behind the log-in, and a token for a password is in nobody's hands.
    assert {subject.split(" [")[0] for _, subject in not_proved(outcome)} == {
        "GET / dashboard.index",
        "GET /items/<int:item_id> items.detail",
        "GET /auth/reset-password/<token> auth.reset",
    }
    for secret in (stand.TOKEN, ground.cookie.partition("=")[2]):
        assert secret not in outcome.output + str(document)
    assert stand.shown("", outcome) == stand.row_of("")


@pytest.mark.parametrize("broken", list(cells()))
def test_a_broken_deployment_is_answered_with_exactly_its_codes(broken: str, ground: Ground) -> None:
    outcome = stand.smoked_as_documented(ground, broken)
    assert (outcome.exit_code, tuple(sorted(outcome.codes))) == (1, TEN[broken]), outcome.output
    assert stand.shown(broken, outcome) == stand.row_of(broken)
