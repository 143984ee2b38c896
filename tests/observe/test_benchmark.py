"""The benchmarks of recorder and attribution judge as they say."""

import importlib
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

PATH = Path(__file__).parents[2] / "benchmarks" / "recorder.py"


@pytest.fixture(scope="module")
def recorder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("seatrial_benchmark_recorder", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("ours", "peers", "strict", "code", "words"),
    [
        (18.0, {"queryspy": 17.0}, False, 0, ["held  ours − empty pair: +3.0", "held  ours − queryspy", "NOT PROVED"]),
        (19.5, {}, False, 1, ["MISSED  ours − empty pair: +4.5", "NOT PROVED"]),
        (18.0, {"queryspy": 15.5, "easy_profile": 20.0}, False, 1, ["MISSED  ours − queryspy: +2.5"]),
        (18.0, {}, True, 1, ["NOT PROVED"]),
        (18.0, None, True, 0, ["held  ours − empty pair"]),
    ],
)
def test_judging(
    recorder: ModuleType,
    capsys: pytest.CaptureFixture[str],
    ours: float,
    peers: dict[str, float] | None,
    strict: bool,
    code: int,
    words: list[str],
) -> None:
    present = dict.fromkeys(recorder.PEERS, 30.0) if peers is None else peers
    known = {"no listener": 13.0, "seatrial": ours, "empty pair": 15.0, **present}
    core = {name: [value] * 3 for name, value in known.items()}
    assert recorder.judge({"core": core}, {}, strict) == code
    said = capsys.readouterr().out
    for word in words:
        assert word in said
    assert ("NOT PROVED" in said) is (peers is not None)


def test_limits_grow_on_a_slower_machine(recorder: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    core = {name: [value] * 3 for name, value in {"no listener": 27.2, "seatrial": 37.0, "empty pair": 30.0}.items()}
    assert recorder.judge({"core": core}, {}, False) == 0
    said = capsys.readouterr().out
    assert "limits × 2.00" in said
    assert "held  ours − empty pair: +7.0 µs, limit +8.0 µs" in said


def test_a_short_run(recorder: ModuleType, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    configurations = ["no listener", "empty pair", "seatrial", "easy_profile"]
    monkeypatch.setitem(recorder.PEERS, "easy_profile", ["seatrial_no_such_package"])
    values, absent = recorder.run(3, 20, configurations)
    recorder.print_table(values, absent, configurations)
    assert absent == {"easy_profile": "not installed"}
    assert "| easy_profile | not installed |" in capsys.readouterr().out
    assert {name: len(rounds) for name, rounds in values["core"].items()} == {
        "no listener": 3,
        "empty pair": 3,
        "seatrial": 3,
    }


@pytest.fixture
def attribution(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(PATH.parent.parent)
    return importlib.import_module("benchmarks.attribution")


@pytest.mark.parametrize(
    ("repeats", "every", "peers", "strict", "code", "words"),
    [
        (
            71.0,
            80.0,
            {"queryspy": 95.0, "pytest-queryguard": 90.0},
            True,
            0,
            ["held  orm: one attribution +9.0", "0.37 of"],
        ),
        (71.0, 82.0, {"queryspy": 95.0, "pytest-queryguard": 90.0}, True, 1, ["MISSED  orm: one attribution +11.0"]),
        (
            76.0,
            80.0,
            {"queryspy": 95.0, "pytest-queryguard": 90.0},
            True,
            1,
            ["MISSED  orm: 0.53 of pytest-queryguard"],
        ),
        (71.0, 80.0, {"queryspy": 95.0}, False, 0, ["held  orm: 0.31 of queryspy", "NOT PROVED"]),
        (71.0, 80.0, {}, True, 1, ["held  orm: one attribution", "NOT PROVED"]),
    ],
)
def test_judging_attribution(
    attribution: ModuleType,
    capsys: pytest.CaptureFixture[str],
    repeats: float,
    every: float,
    peers: dict[str, float],
    strict: bool,
    code: int,
    words: list[str],
) -> None:
    measured = {"no listener": 60.0, "seatrial": 71.0, attribution.REPEATS: repeats, attribution.EVERY: every, **peers}
    absent = {name: "not installed" for name in attribution.PEERS if name not in peers}
    values = {"orm": {name: [value] * 3 for name, value in measured.items()}}
    assert attribution.judge(values, absent, strict) == code
    said = capsys.readouterr().out
    for word in words:
        assert word in said
    assert ("NOT PROVED" in said) is bool(absent)


def test_attribution_without_ours_is_broken(attribution: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert attribution.judge({"orm": {"no listener": [1.0]}}, {"seatrial": "cannot be imported"}, False) == 1
    assert "BROKEN" in capsys.readouterr().out
