"""The base revision beside the working tree: a git worktree of its own, gone when it is no longer needed."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seatrial.config import Settings, load
from seatrial.database.folder import WatchedFolder
from seatrial.host import copies
from seatrial.model.errors import ConfigurationError


def resolved(root: Path, revision: str, asked: str) -> str:
    """The commit that a name stands for. `asked` names the command or option that needs it, for messages.

    Raises:
        ConfigurationError: There is no repository or no such revision.
    """
    shallow = _git(asked, root, "rev-parse", "--is-shallow-repository") == "true"
    wrong = f"{revision} is no revision" + (" of this shallow clone (git fetch --unshallow)" if shallow else "")
    words = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    return _git(asked, root, *words, wrong=wrong)


@contextmanager
def checked_out(root: Path, revision: str, asked: str = "compare") -> Iterator[tuple[Path, str]]:
    """(the project's folder as it was, its commit). The user's own tree and branches are not touched.

    Raises:
        ConfigurationError: There is no repository, no such revision, or no project in it.
    """
    commit = resolved(root, revision, asked)
    top = Path(_git(asked, root, "rev-parse", "--show-toplevel"))
    watched = WatchedFolder("base")
    folder = watched.path / "tree"
    try:
        # Without hooks: what a post-checkout hook builds is not part of the revision.
        _git(
            asked, top, "-c", "core.hooksPath=/dev/null", "worktree", "add", "--detach", "--quiet", str(folder), commit
        )
        project = folder / root.resolve().relative_to(top.resolve())
        if not project.is_dir():
            raise ConfigurationError(f"{revision} has no folder {project.relative_to(folder)}: name a later base")
        yield project, commit
    finally:
        copies.remove(folder)
        subprocess.run(["git", "-C", str(top), "worktree", "prune"], capture_output=True)
        watched.close()


def settings_at(folder: Path, settings: Settings, config_file: Path | None) -> tuple[Settings, str]:
    """(the base's own configuration, or today's where it has none that can be used; then a note that says so)."""
    try:
        return load(folder, settings.file.relative_to(settings.root) if config_file else None), ""
    except (ConfigurationError, ValueError):
        note = "the base has no configuration of its own that can be used: built with today's"
        return settings.model_copy(update={"root": folder}), note


def _git(asked: str, folder: Path, *words: str, wrong: str = "") -> str:
    try:
        done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True)
    except FileNotFoundError:
        raise ConfigurationError(f"git is not installed: {asked} needs it for the base revision") from None
    if done.returncode:
        said = (done.stderr.strip().splitlines() or [wrong or "git failed"])[-1]
        why = f"{wrong} ({said})" if wrong and said != wrong else said
        raise ConfigurationError(f"{asked}: {why}: name a commit, tag or branch of this repository")
    return done.stdout.strip()
