"""The benchmark of the monitor judges as it says, and its workers really run what they name."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def benchmark_of_the_monitor(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT))
    from benchmarks import monitor

    return monitor


@pytest.mark.parametrize(
    ("plain", "prometheus", "code", "words"),
    [
        (20.0, 40.0, 0, ["held  monitor, memory: 2.0%", "held  monitor, Prometheus, file: 3.8%"]),
        (20.0, 60.0, 1, ["held  monitor, file: 2.0%", "MISSED  monitor, Prometheus, file: 5.7%"]),
        (56.0, 20.0, 1, ["MISSED  monitor, memory: 5.3%", "held  monitor, Prometheus, memory: 2.0%"]),
    ],
)
def test_judging(
    benchmark_of_the_monitor: ModuleType,
    capsys: pytest.CaptureFixture[str],
    plain: float,
    prometheus: float,
    code: int,
    words: list[str],
) -> None:
    added = {"monitor": plain, "monitor, Prometheus": prometheus}
    values = {
        "memory": {name: [value] * 3 for name, value in added.items()},
        "file": {name: [value] * 3 for name, value in added.items()},
        "memory, without": {name: [1000.0] * 3 for name in added},
        "file, without": {name: [1000.0] * 3 for name in added},
    }
    assert benchmark_of_the_monitor.judge(values) == code
    said = capsys.readouterr().out
    for word in words:
        assert word in said


@pytest.mark.matrix
def test_a_short_run(benchmark_of_the_monitor: ModuleType) -> None:
    values = benchmark_of_the_monitor.run(2, 2, beside=True)
    assert set(values) == {"memory", "file", "memory, without", "file, without"}
    for measured in values.values():
        assert {name: len(rounds) for name, rounds in measured.items()} == dict.fromkeys(
            ("monitor", "monitor, Prometheus", "nothing", "empty listener pair", "recorder of the trials"), 2
        )
    assert min(values["memory, without"]["monitor"]) > 100  # µs: ten statements were really sent


def test_what_is_measured_is_watched(benchmark_of_the_monitor: ModuleType) -> None:
    app, engine = benchmark_of_the_monitor.make_app("sqlite://")
    benchmark_of_the_monitor.start(benchmark_of_the_monitor.PROMETHEUS, app, engine)
    app.test_client().get("/items")
    registry = app.extensions["seatrial.monitor"].settings.registry
    labels = {"app": "benchmark", "method": "GET", "rule": "/items", "status": "2xx"}
    assert registry.get_sample_value("seatrial_request_statements_sum", labels) == 10
    assert "benchmarks.monitor" in sys.modules
