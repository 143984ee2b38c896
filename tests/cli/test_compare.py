"""`seatrial compare`: a real repository with two revisions of an app and of a benchmark."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cli.shops import git
from support import project

SHOP = """
    from flask import Flask, jsonify

    def create_app(config=None):
        app = Flask(__name__)
        app.config.update(config or {{}})

        @app.get("/same")
        def same():
            return jsonify(sum(range(5_000)))

        @app.get("/slower")
        def slower():
            return jsonify(sum(range({work})))

        @app.get("/{name}")
        def other():
            return "x"

        return app
"""
BENCHMARK = """
    def test_sum(benchmark):
        benchmark(lambda: sum(range({work})))
"""


SERVICE = """
    def count(shelf: str) -> int:
        return len(shelf)

    def take(shelf: str, {name}: int) -> int:
        return len(shelf) - {name}
"""


def compare(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "seatrial", "compare", *words], cwd=root, capture_output=True, text=True, timeout=600
    )


def written(root: Path, work: int, name: str) -> Path:
    files = {
        "shop.py": SHOP.format(work=work, name=name),
        "test_bench.py": BENCHMARK.format(work=work),
        "services/stock.py": SERVICE.format(name=name),
    }
    return project(root, files)


@pytest.mark.matrix
def test_what_became_slower_is_named_and_what_stayed_is_not(tmp_path: Path) -> None:
    root = written(tmp_path / "shop", 5_000, "old")
    git(root, "init", "-q", "-b", "main")
    git(root, "add", ".")
    git(root, "commit", "-qm", "base")
    written(root, 200_000, "new")  # not committed: the working tree is what is compared
    result = tmp_path / "compare.json"
    done = compare(root, "main", "--json", str(result))
    assert done.returncode == 0, done.stderr  # LAT003 warns by default
    told = json.loads(result.read_text())
    ratios = {row["subject"]: row["ratio"] for row in told["compare"]["subjects"]}
    assert set(ratios) == {
        "GET /same same [anonymous]",
        "GET /slower slower [anonymous]",
        "benchmark test_bench.py::test_sum",
    }, done.stderr
    assert {finding["subject"] for finding in told["findings"]} == {
        "GET /slower slower [anonymous]",
        "benchmark test_bench.py::test_sum",
        "services.stock:take",
    }
    assert "1 of 2 public service signatures changed for their callers" in done.stdout
    assert ratios["GET /slower slower [anonymous]"] > 1.5
    assert "2 of 3 became worse" in done.stdout
    listed = subprocess.run(["git", "worktree", "list"], cwd=root, capture_output=True, text=True)
    assert len(listed.stdout.splitlines()) == 1, "the worktree of the base is gone"
    assert not (root / ".seatrial-benchmark.json").exists()


@pytest.mark.parametrize(
    ("repository", "base", "said"),
    [(False, "main", "not a git repository"), (True, "nowhere", "nowhere is no revision")],
)
def test_what_is_no_base_is_refused(repository: bool, base: str, said: str, tmp_path: Path) -> None:
    root = written(tmp_path / "shop", 10, "x")
    if repository:
        git(root, "init", "-q")
    done = compare(root, base)
    assert done.returncode == 2
    assert said in done.stderr
    assert "name a commit, tag or branch of this repository" in done.stderr
