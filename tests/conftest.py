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

LONGEST = ("stockroom/test_flaws.py", "rules/test_specimens.py", "shapes/test_shapes.py", "trials/test_oauth.py")
"""Files that take so long that a worker left alone with one at the end would make all wait for it."""


@pytest.fixture(scope="module", autouse=True)
def _hosts(request: pytest.FixtureRequest) -> Iterator[None]:
    with forked_hosts() if request.path.parent.name in FORKED else nullcontext():
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first. To name them before their folders does nothing: pytest puts them back in its order."""
    items.sort(key=lambda item: not item.path.as_posix().endswith(LONGEST))
