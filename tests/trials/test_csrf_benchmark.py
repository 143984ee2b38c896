"""The benchmark of the CSRF trial judges as it says."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("speeds", "pairs", "code"), [([90.0, 150.0, 200.0], 80, 0), ([90.0, 99.0, 300.0], 80, 1), ([500.0], 0, 1)]
)
def test_judging(
    speeds: list[float], pairs: int, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(str(ROOT))
    from benchmarks import csrf

    assert csrf.judge(speeds, pairs) == code
    assert "limit: at least 100" in capsys.readouterr().out
    assert "benchmarks.csrf" in sys.modules
