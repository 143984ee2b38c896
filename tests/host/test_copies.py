"""Working copies: complete where it matters, removable, and never a reason to touch anything else."""

import os
from pathlib import Path

import pytest

from seatrial.host import copies


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    for name in ("app/__init__.py", "static/a.css", ".env", ".git/HEAD", "venv/pyvenv.cfg", "venv/lib/x.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    (root / "link").symlink_to("static")
    os.mkfifo(root / "pipe")
    return root


def test_a_copy_leaves_out_version_control_environments_and_pipes(tree: Path, tmp_path: Path) -> None:
    copy = copies.working_copy(tree, tmp_path / "copy")
    found = sorted(p.relative_to(copy).as_posix() for p in copy.rglob("*") if not p.is_dir())
    assert found == [".env", "app/__init__.py", "static/a.css"]
    assert (copy / "link").is_symlink()


def test_a_read_only_tree_gives_a_copy_that_can_be_written(tree: Path, tmp_path: Path) -> None:
    (tree / "static" / "a.css").chmod(0o444)
    copy = copies.working_copy(tree, tmp_path / "copy")
    assert os.stat(copy / "static" / "a.css").st_mode & 0o200


def test_what_the_app_writes_is_listed(tree: Path, tmp_path: Path) -> None:
    copy = copies.working_copy(tree, tmp_path / "copy")
    assert copies.changed_files(tree, copy) == []
    (copy / "faults.json").write_text("{}")
    (copy / "static" / "a.css").write_text("changed by the app")
    assert copies.changed_files(tree, copy) == ["faults.json", "static/a.css"]


def test_removing_a_copy_copes_with_permissions_taken_away(tree: Path, tmp_path: Path) -> None:
    copy = copies.working_copy(tree, tmp_path / "copy")
    (copy / "static").chmod(0o000)
    copies.remove(copy)
    assert not copy.exists()


def test_removing_what_is_gone_touches_nothing(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    copies.remove(tmp_path / "not-there")
    assert tmp_path.stat().st_mode & 0o777 == 0o755
