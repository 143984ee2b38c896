"""Reports are written without looking for garbage, and everything after them with it again."""

import gc
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from reports.samples import everything

from seatrial.cli.outputs import Outputs
from seatrial.collecting import without_collector
from seatrial.reports import json_report


@pytest.fixture(autouse=True)
def collected_again() -> Iterator[None]:
    yield
    gc.enable()


def test_only_while_something_is_written() -> None:
    seen = []

    @without_collector()
    def write() -> None:
        seen.append(gc.isenabled())
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        write()
    assert (seen, gc.isenabled()) == ([False], True)


def test_who_had_switched_it_off_finds_it_off() -> None:
    gc.disable()
    with without_collector():
        pass
    assert not gc.isenabled()


def test_files_are_written_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []
    monkeypatch.setattr(json_report, "write", lambda *_: seen.append(gc.isenabled()))
    settings: Any = SimpleNamespace(root=tmp_path)
    Outputs({"json": tmp_path / "result.json"}).write(everything(), settings)
    assert (seen, gc.isenabled()) == ([False], True)
