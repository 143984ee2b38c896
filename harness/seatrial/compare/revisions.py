"""The base revision beside the working tree: a git worktree of its own, gone when it is no longer needed."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seatrial.database.folder import WatchedFolder
from seatrial.host import copies
from seatrial.model.errors import ConfigurationError


@contextmanager
def checked_out(root: Path, revision: str) -> Iterator[tuple[Path, str]]:
    """(the project's folder as it was, its commit). The user's own tree and branches are not touched.

    Raises:
        ConfigurationError: There is no repository, no such revision, or no project in it.
    """
    top = Path(_git(root, "rev-parse", "--show-toplevel"))
    commit = _git(
        root, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}", wrong=f"{revision} is no revision"
    )
    watched = WatchedFolder("base")
    folder = watched.path / "tree"
    try:
        # Without hooks: what a post-checkout hook builds is not part of the revision.
        _git(top, "-c", "core.hooksPath=/dev/null", "worktree", "add", "--detach", "--quiet", str(folder), commit)
        project = folder / root.resolve().relative_to(top.resolve())
        if not project.is_dir():
            raise ConfigurationError(f"{revision} has no folder {project.relative_to(folder)}: name a later base")
        yield project, commit
    finally:
        copies.remove(folder)
        subprocess.run(["git", "-C", str(top), "worktree", "prune"], capture_output=True)
        watched.close()


def _git(folder: Path, *words: str, wrong: str = "") -> str:
    try:
        done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True)
    except FileNotFoundError:
        raise ConfigurationError("git is not installed: compare needs it for the base revision") from None
    if done.returncode:
        said = (done.stderr.strip().splitlines() or [wrong or "git failed"])[-1]
        why = f"{wrong} ({said})" if wrong and said != wrong else said
        raise ConfigurationError(f"compare: {why}: name a commit, tag or branch of this repository as BASE")
    return done.stdout.strip()
