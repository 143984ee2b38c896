"""Earlier runs: kept in bounds, read whatever happened to the file, never part of a commit."""

import json
import subprocess
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import pytest
from reports.samples import everything

from seatrial.verdict import history
from seatrial.verdict.history import Run


def run(n: int = 1, scope: str = "", **more) -> Run:
    return Run(f"2026-11-{n % 28 + 1:02}T10:00:00Z", f"c{n}", scope, 1, n, 2, 3, 4, 5.5, **more)


def line(**changed: object) -> str:
    return json.dumps({"version": 1, **asdict(run(7)), **changed})


def test_a_run_is_kept_in_numbers():
    kept = history.of(
        everything(), scope="--only SQL", commit="abc", now=datetime(2026, 11, 29, 18, 50, 47, tzinfo=UTC)
    )
    assert (kept.at, kept.commit, kept.scope, kept.exit_code) == ("2026-11-29T18:50:47Z", "abc", "--only SQL", 1)
    assert (kept.blocking, kept.warnings, kept.known, kept.not_proved) == (3, 1, 1, 2)
    assert kept.statements["GET /r7 r7 [owner]"] == 7


def test_what_was_added_is_read_again_in_order(tmp_path: Path):
    runs = [run(n, statements={"GET / i [o]": n}) for n in range(1, 4)]
    assert [history.add(tmp_path / "history", one) for one in runs] == ["", "", ""]
    assert history.load(tmp_path / "history") == runs


def test_only_runs_of_one_scope_are_compared(tmp_path: Path):
    for one in (run(1), run(2, "--only SQL"), run(3)):
        history.add(tmp_path, one)
    assert [one.commit for one in history.load(tmp_path, "")] == ["c1", "c3"]
    assert [one.commit for one in history.load(tmp_path, "--only SQL")] == ["c2"]


def test_old_runs_are_dropped_and_those_of_another_scope_stay(tmp_path: Path):
    history.add(tmp_path, run(0, "--static"))
    for n in range(history.RUNS + 5):
        history.add(tmp_path, run(n))
    assert len(history.load(tmp_path, "")) == history.RUNS
    assert history.load(tmp_path, "")[-1] == run(history.RUNS + 4)
    assert len(history.load(tmp_path, "--static")) == 1


def test_the_file_has_a_bounded_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(history, "BYTES", 5_000)
    for n in range(30):
        history.add(tmp_path, run(n, statements={f"GET /route{i} r [owner]": i for i in range(20)}))
    assert (tmp_path / "runs.jsonl").stat().st_size <= 5_000
    assert history.load(tmp_path)[-1].commit == "c29"


@pytest.mark.parametrize(
    "damage",
    [
        "not json",
        "[]",
        "{}",
        '{"version": 2}',
        "null",
        "[" * 100_000,
        json.dumps({"version": 1, "at": 7}),
        line(exit_code=-1),
        line(statements={"a": "<script>"}),
        line(elapsed_s="long"),
        line(more=1),
        "<<<<<<< HEAD",
        "\ud83d".encode("utf-8", "surrogatepass").decode("latin-1"),
    ],
)
def test_a_damaged_line_costs_itself_alone(tmp_path: Path, damage: str):
    history.add(tmp_path, run(1))
    with (tmp_path / "runs.jsonl").open("a", encoding="latin-1") as file:
        file.write(damage + "\n")
    history.add(tmp_path, run(2))
    assert history.load(tmp_path) == [run(1), run(2)]


def test_git_does_not_see_it(tmp_path: Path):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    history.add(tmp_path / ".seatrial" / "history", run(1))
    seen = subprocess.run(
        ["git", "status", "--porcelain", "--untracked-files=all"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert seen.stdout == ""


def test_where_it_cannot_be_kept_a_sentence_says_so(tmp_path: Path):
    (tmp_path / "history").write_text("a file where the folder should be")
    assert history.WAY_OUT in history.add(tmp_path / "history", run(1))
    assert history.load(tmp_path / "history") == []


def test_the_commit_is_gits_else_the_cis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.example"]
    subprocess.run(["git", *identity, "commit", "-q", "--allow-empty", "-m", "x"], cwd=tmp_path, check=True)
    real = subprocess.run(["git", "rev-parse", "HEAD"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert history.commit_of(tmp_path) == real.stdout[:10]
    monkeypatch.setenv("PATH", "/nowhere")
    for name in ("GITHUB_SHA", "CI_COMMIT_SHA"):
        monkeypatch.delenv(name, raising=False)
    assert history.commit_of(tmp_path) == ""
    monkeypatch.setenv("CI_COMMIT_SHA", "0123456789abcdef")
    assert history.commit_of(tmp_path) == "0123456789"
