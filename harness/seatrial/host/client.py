"""The runner's side of a host process: start it, hand it whole trials, notice every way in which it can end."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from seatrial.config import Settings, hide, secrets
from seatrial.host.protocol import Channel, DeadlinePassed, PeerGone
from seatrial.host.spec import HostSpec
from seatrial.model.errors import BrokenError, ConfigurationError, InconclusiveError, SeatrialError
from seatrial.model.profiles import Profile

if TYPE_CHECKING:  # the runner never imports what imports the app
    from seatrial.target import Target

P = ParamSpec("P")
R = TypeVar("R")

# The app must not see the shell of whoever runs the trial: a stray DATABASE_URL would change what is tried.
KEPT_VARIABLES = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "VIRTUAL_ENV",
    "PYTHONPATH",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONPYCACHEPREFIX",
    "SEATRIAL_DEBUG",
)
_ERRORS: dict[str, type[SeatrialError]] = {
    "configuration": ConfigurationError,
    "inconclusive": InconclusiveError,
    "broken": BrokenError,
}
BUILDING = "building the app"


class HostEnded(BrokenError):
    """The host process is gone; the sentence says how it went."""


class HostHung(BrokenError):
    """The host did not answer in time and was killed."""


class Host:
    """A running host. One command at a time; after HostEnded or HostHung it is of no more use."""

    def __init__(self, settings: Settings, profile: Profile, folder: Path, log: Path) -> None:
        """Start the process in `folder`; it imports its libraries and then waits for `begin_build`.

        Call it from the main thread: the kernel ties the death signal to the thread that started the process.
        """
        self._settings, self._profile, self._folder = settings, profile, folder
        host_reads, we_write = os.pipe()
        we_read, host_writes = os.pipe()
        environment = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        environment.update(PYTHONHASHSEED="0")
        # The database may not be there yet: what names it is set before the app is imported, see `begin_build`.
        environment.update(settings.environment_for(profile, ""))
        with log.open("ab") as output:
            # -P: the current directory is the target's; its modules must not shadow the standard library for us.
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "seatrial.host", str(host_reads), str(host_writes), str(os.getpid())],
                pass_fds=(host_reads, host_writes),
                env=environment,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        os.close(host_reads)
        os.close(host_writes)
        self._channel = Channel(we_read, we_write)

    def begin_build(self, database_url: str) -> None:
        """Let it set its environment and import the app; it then waits for `database_ready`.

        With an empty URL it ends after the import: there is no database to build the app on.
        """
        try:
            self._channel.send(HostSpec(self._settings, self._profile, database_url, self._folder))
        except PeerGone:
            raise self._ended(BUILDING) from None

    def database_ready(self) -> None:
        """Let it call the factory; `finish_build` waits for the outcome."""
        with contextlib.suppress(PeerGone):  # the import failed: finish_build tells
            self._channel.send("ready")

    def finish_build(self, deadline_s: float) -> None:
        """Raises ConfigurationError, HostEnded or HostHung."""
        try:
            self._answer(BUILDING, deadline_s)
        except PeerGone:
            raise self._ended(BUILDING) from None

    def call(
        self,
        trial: "Callable[Concatenate[Target, P], R]",
        deadline_s: float,
        *arguments: P.args,
        **options: P.kwargs,
    ) -> R:
        """Run `trial(target, …)` inside the host and return its answer, which must be plain data.

        `trial` is a function at the top of a `seatrial` module: it crosses the pipe by name.
        """
        return self.begin(trial, deadline_s, *arguments, **options)()

    def begin(
        self,
        trial: "Callable[Concatenate[Target, P], R]",
        deadline_s: float,
        *arguments: P.args,
        **options: P.kwargs,
    ) -> Callable[[], R]:
        """The same without waiting: what it returns waits, and must be called before the next command."""
        what = f"{trial.__module__.rpartition('.')[2]}.{trial.__name__}"
        try:
            self._channel.send((trial, arguments, options))
        except PeerGone:
            raise self._ended(what) from None

        def wait() -> R:
            try:
                answer: R = self._answer(what, deadline_s)
            except PeerGone:
                raise self._ended(what) from None
            return answer

        return wait

    def _answer(self, what: str, deadline_s: float) -> Any:
        try:
            kind, value = self._channel.receive(deadline_s)
        except DeadlinePassed:
            self.kill()
            way_out = (
                "take out of its configuration what it waits for, or raise build_s under [tool.seatrial.deadlines]"
                if what == BUILDING
                else "raise the limit under [tool.seatrial.deadlines] or put the route on `skip`"
            )
            raise HostHung(
                f"the app did not come back within {deadline_s:g} s ({what}) and was stopped; {way_out}"
            ) from None
        if kind == "ok":
            return value
        # What the app raised may hold what it was configured with.
        sentences = [hide(str(sentence), secrets(self._settings)) for sentence in value]
        raise _ERRORS[kind](*sentences)

    def _ended(self, what: str) -> HostEnded:
        try:
            code = self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.kill()
            code = self.process.wait()
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        return HostEnded(f"the app's process {how} ({what})")

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> None:
        """End the host and everything it started in its own session."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def close(self) -> None:
        """Say goodbye by closing the pipe; kill what does not leave within two seconds."""
        self._channel.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(2)
        # Also when the host left by itself: a process that the app started may still be in its group.
        self.kill()
