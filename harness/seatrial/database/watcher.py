"""The watcher: stops the servers in a temporary folder and removes the folder once its owner is gone.

Run as ``python -I -S watcher.py DESCRIPTOR FOLDER``. DESCRIPTOR is the reading end of a pipe whose writing end only
the owner holds, so end of file means one of three things, all answered alike: the owner let go, exited, or was killed.
Standard library only, and nothing of ours: it has to start in milliseconds and to outlive whatever breaks its owner.
"""

import os
import shutil
import signal
import sys
import time
from pathlib import Path

FOLDER_PREFIX = "seatrial-"
PROGRAMS = frozenset({b"postgres", b"initdb"})

# PostgreSQL itself kills stuck children after 5 s of an immediate shutdown; wait longer than that.
PATIENCE = 8.0
GRACE = 4.0


def server_processes(folder: str) -> list[int]:
    """Process ids of the PostgreSQL programs whose command line names a path in `folder`.

    The command line is asked rather than postmaster.pid, which may hold a recycled number and is not there yet while a
    server starts; and rather than /proc/PID/cwd, which root may not read in a container without CAP_SYS_PTRACE. The
    folder's random name makes the match ours. A zombie has no command line and so counts as gone.
    """
    inside = os.fsencode(folder) + b"/"
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            arguments = Path("/proc", entry, "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue  # ended meanwhile
        if os.path.basename(arguments[0]) in PROGRAMS and any(word.startswith(inside) for word in arguments[1:]):
            found.append(int(entry))
    return found


def stop_servers(folder: str) -> None:
    """Immediate shutdown (SIGQUIT) of everything in `folder`, SIGKILL after PATIENCE seconds."""
    asked: set[int] = set()
    start = time.monotonic()
    while running := server_processes(folder):
        waited = time.monotonic() - start
        if waited > PATIENCE + GRACE:
            return  # not even SIGKILL helps (uninterruptible); the caller sees the folder remain
        for pid in running:
            if waited > PATIENCE or pid not in asked:
                asked.add(pid)
                try:
                    os.kill(pid, signal.SIGKILL if waited > PATIENCE else signal.SIGQUIT)
                except OSError:
                    continue  # ended meanwhile
        time.sleep(0.005)


def clean(folder: str) -> bool:
    """Stop the servers in `folder` and remove it. True when nothing is left.

    Raises ValueError for a folder that is not named as ours, because what follows is irrevocable.
    """
    if not os.path.isabs(folder) or not os.path.basename(folder).startswith(FOLDER_PREFIX):
        raise ValueError(f"{folder} is not a temporary folder of Seatrial")
    # Twice and more: an owner killed while it started a server leaves one that appears after the first look.
    for _ in range(3):
        stop_servers(folder)
        shutil.rmtree(folder, ignore_errors=True)
        if not os.path.lexists(folder) and not server_processes(folder):
            return True
        time.sleep(0.05)
    return False


def main() -> int:
    """Wait for the end of file, then clean. Exit code 0: nothing is left."""
    descriptor, folder = int(sys.argv[1]), sys.argv[2]
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)  # the owner's end is the only reason to act
    while os.read(descriptor, 512):
        pass
    return 0 if clean(folder) else 1


if __name__ == "__main__":
    sys.exit(main())
