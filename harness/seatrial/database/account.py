"""The account that runs the embedded server: PostgreSQL refuses to run as root."""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from seatrial.model.errors import ConfigurationError

VARIABLE = "SEATRIAL_PG_USER"
USUAL = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Account:
    """An unprivileged account of this system."""

    name: str
    uid: int
    gid: int


def server_account() -> Account | None:
    """The account to run the server as; None: as ourselves.

    Raises ConfigurationError when we are root and no unprivileged account is found.
    """
    if os.geteuid() != 0:
        return None
    wanted = os.environ.get(VARIABLE)
    for name in (wanted,) if wanted else USUAL:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    looked_at = wanted or ", ".join(USUAL)
    raise ConfigurationError(
        f"PostgreSQL does not run as root and no unprivileged account was found ({looked_at}): "
        f'name one in {VARIABLE}, run Seatrial as an ordinary user, or set url = "sqlite".'
    )


def can_enter(folder: Path, account: Account | None) -> bool:
    """May `account` (None: ourselves) enter and read `folder`? By mode bits; access control lists are not looked at."""
    if account is None:
        return os.access(folder, os.R_OK | os.X_OK)
    if not _allowed(folder, account, read=True):
        return False
    return all(_allowed(parent, account, read=False) for parent in folder.parents)


def hand_over(path: Path, account: Account | None) -> Path:
    """Make `account` the owner of `path`, which must be one that we made. Returns `path`.

    Raises ConfigurationError where root may not do that (a container without the capability).
    """
    if account is not None:
        try:
            os.chown(path, account.uid, account.gid, follow_symlinks=False)
        except OSError as error:
            raise ConfigurationError(
                f"the embedded PostgreSQL must run as the account {account.name}, but {path} could not be handed to it "
                f'({error.strerror}): run Seatrial as an ordinary user, or set url = "sqlite".'
            ) from error
    return path


def _allowed(folder: Path, account: Account, *, read: bool) -> bool:
    try:
        status = folder.stat()
    except OSError:
        return False
    if status.st_uid == account.uid:
        needed = stat.S_IXUSR | (stat.S_IRUSR if read else 0)
    elif status.st_gid == account.gid:
        needed = stat.S_IXGRP | (stat.S_IRGRP if read else 0)
    else:
        needed = stat.S_IXOTH | (stat.S_IROTH if read else 0)
    return status.st_mode & needed == needed
