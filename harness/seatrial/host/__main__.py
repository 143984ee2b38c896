"""`python -m seatrial.host READ_FD WRITE_FD PARENT_PID`: the process that holds the app under trial."""

import contextlib
import ctypes
import functools
import os
import signal
import sys
import traceback
from typing import Any

from seatrial.faults import children
from seatrial.host.protocol import Channel, PeerGone
from seatrial.model.errors import ConfigurationError, InconclusiveError, SeatrialError


def main(read_fd: int, write_fd: int, parent: int) -> None:
    _die_with_parent(parent)
    for fd in (read_fd, write_fd):
        os.set_inheritable(fd, False)  # what the app starts must not hold our pipe open
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the runner's to handle; we leave when it closes the pipe
    children.PRIVATE_FDS += [read_fd, write_fd]  # what we fork to be broken must not hold it open either
    channel = Channel(read_fd, write_fd)
    with contextlib.suppress(PeerGone):
        _serve(channel)
    # No atexit handlers: the app may have registered some that wait for threads or write files.
    os._exit(0)


def _serve(channel: Channel) -> None:
    # Heavy imports happen while the runner prepares the database.
    from seatrial.target import Target

    # What we are made of is kept compiled, which some installers leave to the first run; nothing of the target's is.
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    spec = channel.receive()
    # Before the app is imported: its configuration may be read at import time.
    os.environ.update(spec.settings.environment_for(spec.profile, spec.database_url))
    # The import may take long and needs no tables: done while another host still makes them.
    located = _guarded(functools.partial(Target.locate, spec.settings, spec.database_url, spec.folder))
    if not spec.database_url or located[0] != "ok":
        channel.send(located)
        return
    channel.receive()  # the word that the database is ready
    target = None

    def build() -> None:
        nonlocal target
        target = Target.build(spec.settings, spec.profile, spec.database_url, spec.folder)

    channel.send(_guarded(build))
    if target is None:
        return
    while True:
        trial, arguments, options = channel.receive()
        channel.send(_guarded(functools.partial(trial, target, *arguments, **options)))


def _guarded(work: Any) -> tuple[str, Any]:
    try:
        return "ok", work()
    except ConfigurationError as error:
        return "configuration", error.mistakes
    except InconclusiveError as error:
        return "inconclusive", error.args
    except SeatrialError as error:
        return "broken", error.args
    except Exception as error:
        if os.environ.get("SEATRIAL_DEBUG"):
            return "broken", (traceback.format_exc(),)
        frame = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{os.path.basename(frame.filename)}:{frame.lineno}"
        what = f"{type(error).__name__}: {error} at {where}"
        return "broken", (f"the harness failed inside the app's process: {what}; set SEATRIAL_DEBUG=1 to see where",)


def _die_with_parent(parent: int) -> None:
    """Ask the kernel to kill us with the process that started us, which may already be gone."""
    pr_set_pdeathsig = 1
    try:
        ctypes.CDLL(None, use_errno=True).prctl(pr_set_pdeathsig, signal.SIGKILL, 0, 0, 0)
    except (OSError, AttributeError):
        return  # not Linux: the closed pipe ends us between two commands
    if os.getppid() != parent:
        os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
