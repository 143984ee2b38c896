"""`coverage.tsv` only rises."""

from pathlib import Path

import pytest

from seatrial.model.errors import ConfigurationError
from seatrial.verdict import coverage


def test_it_is_written_read_and_written_again_only_when_it_changed(tmp_path: Path) -> None:
    path = tmp_path / "coverage.tsv"
    assert coverage.load(path) == {}
    assert coverage.save(path, {"app.services": (4, 11)})
    assert coverage.load(path) == {"app.services": (4, 11)}
    assert not coverage.save(path, {"app.services": (4, 11)})


@pytest.mark.parametrize(
    ("before", "measured", "after"),
    [
        ((4, 11), (5, 11), (5, 11)),
        ((4, 11), (3, 11), (4, 11)),
        ((4, 11), (4, 12), (4, 11)),
        ((4, 8), (5, 10), (5, 10)),
        ((4, 8), (0, 0), (4, 8)),
        (None, (1, 9), (1, 9)),
    ],
)
def test_a_share_only_rises(before: tuple[int, int] | None, measured: tuple[int, int], after: tuple[int, int]) -> None:
    floors = {"other": (1, 1)} | ({"app": before} if before else {})
    assert coverage.risen(floors, {"app": measured}) == {"other": (1, 1), "app": after}


@pytest.mark.parametrize("line", ["app\tfour\t11", "app\t12\t11", "app\t0\t0", "app\t1", "app\t1\t2\napp\t1\t2"])
def test_damage_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "coverage.tsv"
    path.write_text(f"# title\n# coverage_version: 1\n{line}\n")
    with pytest.raises(ConfigurationError, match=r"coverage.tsv, line \d"):
        coverage.load(path)
