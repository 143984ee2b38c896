"""`seatrial check --since REV`: a real repository, and what only its head has."""

import subprocess
import textwrap
from pathlib import Path

import pytest
from cli.shops import NO_TOOLS, SOUND, TOP, Ran, git, seatrial
from support import project, snapshot

RUFF = NO_TOOLS.replace('ruff = "off"', 'ruff = "block"')
VIEW = """
        @app.get("/{name}")
        def {name}():
            db.session.add(Item(name="seen"))
            db.session.commit()
            return "x"
"""


def written(root: Path, *writing: str, top: str = "") -> Path:
    """An app with one view for each name that writes when it is read (SQL006)."""
    views = "".join(VIEW.format(name=name) for name in writing)
    source = textwrap.dedent(SOUND.replace("\n        return app", f"{views}\n        return app"))
    return project(root, {"shop.py": top + source, ".gitignore": ".ruff_cache\n"}, top=TOP, more=RUFF)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = written(tmp_path / "app", "visits", top="import os\n")
    git(root, "init", "-q", "-b", "main")
    git(root, "add", ".")
    git(root, "commit", "-qm", "base")
    return root


def states(ran: Ran) -> dict[str, str]:
    return {f"{f['rule']} {f['subject'] or f['path']}": f["state"] for f in ran.json["findings"]}


def test_only_what_the_base_did_not_have_is_new(repository: Path) -> None:
    written(repository, "visits", "views", top="import json\nimport os\n")
    before = snapshot(repository)
    ran = seatrial(repository, "check", "--only", "SQL006,ruff", "--since", "main")
    assert ran.code == 1, ran.out
    seen = [(f["rule"], f["subject"], f["message"], f["state"]) for f in ran.json["findings"]]
    assert {(rule, state) for rule, subject, _, state in seen if "visits" in subject} == {("SQL006", "known")}
    assert {(rule, state) for rule, subject, _, state in seen if "views" in subject} == {("SQL006", "new")}
    unused = {message: state for rule, _, message, state in seen if rule == "ruff:F401"}
    assert {("json" in message): state for message, state in unused.items()} == {True: "new", False: "known"}
    assert any("new findings main" in note for note in ran.json["notes"])
    assert snapshot(repository) == before
    done = subprocess.run(["git", "worktree", "list"], cwd=repository, capture_output=True, text=True)
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.matrix
def test_what_was_there_before_does_not_block(repository: Path) -> None:
    assert seatrial(repository, "check", "--only", "SQL006,ruff").code == 1
    ran = seatrial(repository, "check", "--only", "SQL006,ruff", "--since", "main")
    assert (ran.code, ran.json["verdict"]) == (0, "pass")
    assert "in the baseline or at main (" in ran.out
    assert set(states(ran).values()) == {"known"}


@pytest.mark.matrix
def test_a_clean_head_does_not_try_the_base(repository: Path) -> None:
    written(repository)
    ran = seatrial(repository, "check", "--only", "SQL006,ruff", "--since", "main")
    assert ran.code == 0
    assert any("nothing is new" in note for note in ran.json["notes"])


@pytest.mark.matrix
def test_a_base_that_cannot_be_built_forgives_nothing(repository: Path) -> None:
    written(repository, "visits", top="raise SystemError('half done')\n")
    git(repository, "commit", "-qam", "broken")
    written(repository, "visits", top="import os\n")
    ran = seatrial(repository, "check", "--only", "SQL006", "--since", "HEAD")
    assert ran.code == 1
    assert set(states(ran).values()) == {"new"}
    assert any("cannot be tried, so nothing is taken for older" in note for note in ran.json["notes"])


@pytest.mark.parametrize("revision", ["gone", "--upload-pack=x"])
def test_a_slip_in_the_revision_is_told_at_once(repository: Path, revision: str) -> None:
    ran = seatrial(repository, "check", f"--since={revision}", json_result=False)
    assert ran.code == 2
    assert f"--since: {revision} is no revision" in ran.err.replace("\n", " ")
    assert "name a commit, tag or branch" in " ".join(ran.err.split())


def test_without_a_repository_the_way_out_is_named(tmp_path: Path) -> None:
    root = written(tmp_path / "app")
    ran = seatrial(root, "check", "--since", "main", json_result=False)
    assert ran.code == 2
    assert "--since" in ran.err
    assert "not a git repository" in ran.err


def test_a_shallow_clone_says_how_to_deepen_it(repository: Path, tmp_path: Path) -> None:
    written(repository, "visits", "views")
    git(repository, "commit", "-qam", "more")
    git(tmp_path, "clone", "-q", "--depth", "1", repository.as_uri(), "shallow")
    ran = seatrial(tmp_path / "shallow", "check", "--since", "HEAD~1", json_result=False)
    assert ran.code == 2
    assert "git fetch --unshallow" in " ".join(ran.err.split())
