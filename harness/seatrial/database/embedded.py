"""A private PostgreSQL server in a watched temporary folder: no Docker, no fixed port, no wheel's launcher."""

import os
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from seatrial.database.account import Account, can_enter, hand_over, server_account
from seatrial.database.binaries import VARIABLE, Binaries
from seatrial.database.folder import WatchedFolder
from seatrial.model.errors import BrokenError, ConfigurationError

HOST = "127.0.0.1"
FOLDER_VARIABLE = "SEATRIAL_PG_FOLDER"
"""Environment variable: where the server's data goes for the time of a run."""
MEMORY = "/dev/shm"
MEMORY_WANTED = 1024**3
"""Bytes that must be free there: an empty cluster takes 40 MB, each database of a trial about 10."""
USER = "seatrial"

# Bytes of sockaddr_un.sun_path on Linux, less the closing NUL.
SOCKET_PATH_LIMIT = 107
START_TIMEOUT = 60.0
PORT_ATTEMPTS = 5

SETTINGS = {
    "listen_addresses": HOST,
    # The data lives as long as the run: nothing needs to survive a power cut.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    # Statistics that change by themselves would change plans in the middle of a comparison; trials say ANALYZE.
    "autovacuum": "off",
    # In the data folder instead of /dev/shm, where a killed server would leave it (and containers give 64 MB).
    "dynamic_shared_memory_type": "mmap",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_connections": "100",
}

# C sorts as bytes and so indexes LIKE; C.UTF-8 still knows the case of letters beyond ASCII, as production does.
# Where the system has no C.UTF-8, initdb refuses within 30 ms and the plain C is taken.
LOCALES = (("--locale=C", "--lc-ctype=C.UTF-8"), ("--locale=C",))


class EmbeddedServer:
    """Runs from construction until `close`, or until its owner is gone. Listens on loopback and a private socket."""

    def __init__(self, binaries: Binaries) -> None:
        """Takes 0.5 to 3 s. Raises ConfigurationError or BrokenError, and has tidied up then."""
        self.host, self.user, self.password = HOST, USER, secrets.token_urlsafe(18)
        self.port = 0
        self._binaries, self._account = binaries, server_account()
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = WatchedFolder("pg", reachable_parent(self._account))
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    @property
    def folder(self) -> Path:
        """Holds everything of the server; goes away with it."""
        return self._folder.path

    @property
    def pid(self) -> int:
        """The postmaster's process id."""
        assert self._process is not None
        return self._process.pid

    def close(self) -> None:
        """Stop the server and remove its folder. Raises BrokenError when something is left."""
        self._folder.close()
        if self._process is not None:
            self._process.wait()

    # Preparing the folder

    def _start(self) -> None:
        hand_over(self.folder, self._account)
        programs = self._reachable_programs()
        self._make_cluster(programs / "initdb")
        self._configure()
        for attempt in range(1, PORT_ATTEMPTS + 1):
            # Nothing keeps the port free between the probe and the server's own bind, hence the attempts.
            self.port = _free_port()
            problem = self._launch(programs / "postgres")
            if not problem:
                return
            if attempt == PORT_ATTEMPTS or "Address already in use" not in problem:
                raise self._broken("did not start", problem)

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _reachable_programs(self) -> Path:
        """The folder of the programs; a copy of the install tree where the account cannot enter the original.

        Copying, because loosening the modes of folders that are not ours is what this launcher exists to avoid.
        """
        bindir = self._binaries.path.resolve()
        install = bindir.parent
        needed = [folder for folder in (bindir, install / "lib", install / "share") if folder.is_dir()]
        if all(can_enter(folder, self._account) for folder in needed):
            return bindir
        package = install.parent
        copy = self.folder / "programs"
        shutil.copytree(install, copy / package.name / install.name, symlinks=True)
        # Repaired wheels keep shared libraries beside the package, found relative to bin/ by rpath.
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, copy / libraries.name, symlinks=True)
        for path in (copy, *copy.rglob("*")):
            hand_over(path, self._account)
        return copy / package.name / install.name / "bin"

    def _make_cluster(self, initdb: Path) -> None:
        password_file = self.folder / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(f"{self.password}\n", encoding="ascii")
        hand_over(password_file, self._account)
        output = ""
        for locale in LOCALES:
            command = [initdb, "-D", self._data, "-U", USER, "-E", "UTF8", "--no-sync", *locale]
            command += ["--auth=scram-sha-256", f"--pwfile={password_file}"]
            process = self._spawn(command, subprocess.PIPE)
            output = process.communicate()[0].decode(errors="replace")
            if process.returncode == 0:
                password_file.unlink()
                return
            if "invalid locale" not in output:
                break
        raise self._broken("could not be prepared by initdb", output)

    def _configure(self) -> None:
        sockets = self.folder / "s"
        sockets.mkdir(mode=0o700)
        hand_over(sockets, self._account)
        fits = len(os.fsencode(sockets)) + len("/.s.PGSQL.65535") <= SOCKET_PATH_LIMIT
        settings = {**SETTINGS, "unix_socket_directories": str(sockets) if fits else ""}
        with (self._data / "postgresql.conf").open("a", encoding="utf-8") as conf:
            conf.writelines(f"{key} = '{value.replace(chr(39), chr(39) * 2)}'\n" for key, value in settings.items())

    # Running it

    def _launch(self, postgres: Path) -> str:
        """Start the server on `self.port` and wait until it takes connections. Returns why it did not; empty: it did.

        Not by pg_ctl, which looks only ten times a second, and whose server is nobody's child: it would stay a zombie
        in a container whose first process does not reap.
        """
        log = self.folder / "server.log"
        with log.open("wb") as output:
            process = self._spawn([postgres, "-D", self._data, "-p", str(self.port)], output.fileno())
        self._process = process
        deadline = time.monotonic() + START_TIMEOUT
        while process.poll() is None:
            if self._is_ready():
                return ""
            if time.monotonic() > deadline:
                return f"not ready after {START_TIMEOUT:.0f} s\n{log.read_text(errors='replace')}"
            time.sleep(0.005)
        return log.read_text(errors="replace") or f"exit code {process.returncode}"

    def _is_ready(self) -> bool:
        """The eighth line of postmaster.pid is what pg_ctl waits for, too."""
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def _spawn(self, command: list[str | Path], output: int) -> subprocess.Popen[bytes]:
        # PGDATA, PGPORT, PGOPTIONS … of a developer's shell are meant for another server. A given TZ spares initdb
        # the search through the time zones.
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
        environment |= {"LC_ALL": "C", "TZ": "UTC", "HOME": str(self.folder)}
        who = self._account
        try:
            return subprocess.Popen(
                command,
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Ctrl-C is the owner's; an interrupted run still wants to close in order.
                start_new_session=True,
                umask=0o077,
                user=who.uid if who else None,
                group=who.gid if who else None,
                extra_groups=[] if who else None,
            )
        except OSError as error:
            raise self._broken(f"could not be run as {who.name if who else 'this account'}", str(error)) from error

    def _broken(self, what: str, output: str) -> BrokenError:
        # The cause stands before the last line, which often says no more than that there was one.
        lines = [re.sub(r"^\S+ \S+ UTC \[\d+\] ", "", line.strip()) for line in output.splitlines() if line.strip()]
        reason = " / ".join(lines[-4:]).rstrip(".")
        return BrokenError(
            f"the embedded PostgreSQL {self._binaries.version} from {self._binaries.path} {what} ({reason}): "
            f"name other binaries in {VARIABLE} or a server's URL in SEATRIAL_DATABASE_URL."
        )


def reachable_parent(account: Account | None) -> Path:
    """The first temporary folder that the account can enter: TMPDIR of root may lie in root's home."""
    named = os.environ.get(FOLDER_VARIABLE)
    usual = dict.fromkeys((named,) if named else (*_in_memory(), tempfile.gettempdir(), "/tmp", "/var/tmp"))
    for folder in (Path(name).resolve() for name in usual):
        if can_enter(folder, account):
            return folder
    raise ConfigurationError(
        f"no temporary folder can be entered by the account {account.name if account else 'of this process'} "
        f"({', '.join(usual)}): set {FOLDER_VARIABLE} to one that can."
    )


def _in_memory() -> tuple[str, ...]:
    """A roomy file system in memory, if there is one: making and cloning databases is mostly the making of files.

    In a container it is often 64 MB, and closed to programs (the server's own may have to be copied there).
    """
    try:
        status = os.statvfs(MEMORY)
    except OSError:
        return ()
    roomy = status.f_bavail * status.f_frsize >= MEMORY_WANTED
    return (MEMORY,) if roomy and not status.f_flag & os.ST_NOEXEC and os.access(MEMORY, os.W_OK) else ()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
