"""Fixtures of the guard suites; registered only together with the guards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from seatrial.plugin.guarding import Trial


@pytest.fixture
def seatrial_trial(request: pytest.FixtureRequest) -> Trial:
    """One aim of a guard: drives the app and keeps what the rules say."""
    from seatrial.plugin.guards import GUARDS

    return request.config.stash[GUARDS].trial(request.param, request.node)
