"""A temporary folder that goes away with its owner, whatever ends the owner."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from seatrial.database import watcher
from seatrial.model.errors import BrokenError

# Long enough for the watcher's own patience with a stuck server, twice.
CLOSE_TIMEOUT = 2 * (watcher.PATIENCE + watcher.GRACE) + 5

_held: set[int] = set()


def _let_go_in_child() -> None:
    """A forked child must not keep the pipe open, or the watcher would wait for the child instead of the owner."""
    for descriptor in _held:
        os.close(descriptor)
    _held.clear()


os.register_at_fork(after_in_child=_let_go_in_child)


class WatchedFolder:
    """A temporary folder (0700) that is removed, after stopping the servers in it, when the owner lets go or dies.

    One way of cleaning serves both ends: `close` only lets go of the pipe and waits for the watcher, so every ordinary
    run exercises what a killed run depends on.
    """

    def __init__(self, purpose: str, parent: Path | None = None) -> None:
        """`purpose`: a word in the folder's name. `parent`: where, by default the system's temporary folder."""
        # Resolved, because the watcher compares this path with the command lines of the servers.
        self.path = Path(tempfile.mkdtemp(prefix=f"{watcher.FOLDER_PREFIX}{purpose}-", dir=parent)).resolve()
        self._owner = os.getpid()
        reading, self._pipe = os.pipe()
        _held.add(self._pipe)
        try:
            self._watcher = subprocess.Popen(
                [sys.executable, "-I", "-S", watcher.__file__, str(reading), str(self.path)],
                pass_fds=(reading,),
                cwd="/",
                # Holding the caller's output would keep a `seatrial … | tee` waiting.
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                # Ctrl-C reaches the foreground group of the terminal; the watcher has work to do after it.
                start_new_session=True,
            )
        except BaseException:
            self._release()
            self.path.rmdir()
            raise
        finally:
            os.close(reading)

    def _release(self) -> None:
        _held.discard(self._pipe)
        os.close(self._pipe)
        self._pipe = -1

    def close(self) -> None:
        """Stop what runs in the folder and remove it; again: nothing. In a forked child: nothing.

        Raises BrokenError when something is left.
        """
        if self._pipe < 0 or os.getpid() != self._owner:
            return
        self._release()
        try:
            cleaned = self._watcher.wait(CLOSE_TIMEOUT) == 0
        except subprocess.TimeoutExpired:
            self._watcher.kill()
            self._watcher.wait()
            cleaned = False
        # The watcher itself may have been killed; then its work is done here.
        if not cleaned and not watcher.clean(str(self.path)):
            raise BrokenError(
                f"the temporary folder {self.path} could not be removed: end the processes "
                f"{watcher.server_processes(str(self.path))} and remove the folder by hand."
            )
