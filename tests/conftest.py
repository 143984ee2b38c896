"""For every test."""

import signal
from collections.abc import Iterator
from contextlib import nullcontext

import pytest
from forking import forked_hosts

# A shell that runs the tests in the background has them ignore Ctrl-C, and so would all that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

FORKED = {"rules", "trials", "shapes", "faults"}
"""Folders of tests that judge what happens in a host, and not the host."""


@pytest.fixture(scope="module", autouse=True)
def _hosts(request: pytest.FixtureRequest) -> Iterator[None]:
    with forked_hosts() if request.path.parent.name in FORKED else nullcontext():
        yield
