"""One run: the databases, the working copies and the hosts of a trial, kept alive and put back in order."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from seatrial.config import Settings
from seatrial.database.folder import WatchedFolder
from seatrial.host import copies
from seatrial.host.client import Host, HostEnded, HostHung
from seatrial.model.errors import BrokenError, ConfigurationError
from seatrial.model.profiles import Profile

if TYPE_CHECKING:
    from seatrial.database import Databases, Recipe
    from seatrial.target import Target

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(slots=True)
class Berth:
    """The place of one host: its database and folder outlive the process."""

    profile: Profile
    folder: Path
    database: str = ""
    base: str = ""
    """What the database is restored from."""
    host: Host | None = None
    starts: int = 0


class Run:
    """Owns everything that a trial creates. Use as a context manager; closing leaves nothing behind."""

    def __init__(
        self,
        settings: Settings,
        *,
        log_in: Callable[[Target], tuple[list[str], bool]],
        prepare: Callable[[Target], list[str]],
        release: Callable[[Target], None],
        progress: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`log_in`, `prepare` and `release` are the trials of `seatrial.trials.discovery`: hosts lie below trials."""
        self.settings = settings
        self.token = secrets.token_hex(3)
        self.notes: list[str] = []
        self._log_in, self._prepare, self._release = log_in, prepare, release
        self.report = progress
        self._watched = WatchedFolder("run")  # goes away with us, whatever ends us
        self._folder = self._watched.path
        self._berths: dict[Profile, Berth] = {}
        self._databases: Databases | None = None
        self._opening: Future[Databases] | None = None
        self._template = ""

    # ------------------------------------------------------------------ starting
    @property
    def databases(self) -> Databases:
        if self._databases is None:
            self._open_databases()
            assert self._opening is not None
            self._databases = self._opening.result()
        return self._databases

    def _open_databases(self) -> None:
        """Begin to start the server, unless that was done."""
        if self._databases is None and self._opening is None:
            # Not in the thread: of two that import the same packages at once, one may see them half made.
            from seatrial.database import open_databases

            self.report("starting the database")
            opener = ThreadPoolExecutor(1, "seatrial-database")
            url, hosts = self.settings.database.url, self.settings.allow_hosts
            self._opening = opener.submit(open_databases, url, allow_hosts=hosts, run=self.token)
            opener.shutdown(wait=False)

    @property
    def template(self) -> str:
        """Name of the database that holds the tables and the seed, and that nobody is connected to."""
        return self._template

    def recipe(self) -> Recipe:
        """For other processes of this run; the tables and the seed must be there. See `join`."""
        return self.databases.recipe(self._template)

    def join(self, recipe: Recipe, name: str) -> None:
        """Work on the databases of another process's run, from its template. `name` tells apart what joins it."""
        from seatrial.database import join_databases

        self.token = f"{recipe.run}_{name}"
        self._databases = join_databases(recipe, run=self.token)
        self._template = recipe.template

    def begin(self, *profiles: Profile) -> None:
        """Start the processes of hosts, which import their libraries, and the server, and wait for nothing."""
        for profile in profiles:
            berth = self._berth(profile)
            if berth.host is None:
                self._spawn(berth)
        self._open_databases()

    def start(self, *profiles: Profile) -> None:
        """Start hosts together: the first builds the tables and the seed that the others are cloned from.

        Raises:
            ConfigurationError: The app cannot be built, seeded or logged in to.
        """
        self.begin(*profiles)
        first, *others = (self._berths[profile] for profile in profiles)
        try:
            self.databases.description  # noqa: B018  waits for the server
        except ConfigurationError as error:
            raise ConfigurationError(*error.mistakes, *self._import_mistakes(first)) from None
        for berth in (first, *others):
            self._begin_build(berth)
        self._make_database(first)
        self._finish_build(first, others)
        entering = [(first, self._begin_to_enter(first))]
        for berth in others:
            self._finish_build(berth)
            entering.append((berth, self._begin_to_enter(berth)))
        self._clone([pair for berth, wait in entering for pair in self._entered(berth, *wait())])

    def _import_mistakes(self, berth: Berth) -> tuple[str, ...]:
        """What is wrong with the app besides the database, as far as importing it shows."""
        assert berth.host is not None
        try:
            berth.host.begin_build("")
            berth.host.finish_build(self.settings.deadlines.build_s)
        except ConfigurationError as error:
            return error.mistakes
        except BrokenError as error:
            return (str(error),)
        return ()

    def _berth(self, profile: Profile) -> Berth:
        if profile not in self._berths:
            folder = copies.working_copy(self.settings.root, self._folder / profile.value)
            self._berths[profile] = Berth(profile, folder)
        return self._berths[profile]

    def _spawn(self, berth: Berth) -> None:
        berth.host = Host(self.settings, berth.profile, berth.folder, self._folder / f"{berth.profile.value}.log")
        berth.starts += 1

    def _begin_build(self, berth: Berth) -> None:
        assert berth.host is not None
        berth.database = self.databases.name(berth.profile.value)
        self.report(f"building the app ({berth.profile.value})")
        berth.host.begin_build(self.databases.url(berth.database))

    def _make_database(self, berth: Berth) -> None:
        assert berth.host is not None
        if self._template:
            self.databases.clone(self._template, berth.database)
        else:
            self.databases.create(berth.database)
        berth.host.database_ready()

    def _finish_build(self, berth: Berth, others: Sequence[Berth] = ()) -> None:
        """Wait for the app. The first of a run makes the tables and the seed, for itself and for `others`."""
        assert berth.host is not None
        berth.host.finish_build(self.settings.deadlines.build_s)
        copies_of_it: list[tuple[str, str]] = []
        if self._template:
            copies_of_it = [(self._template, other.database) for other in others]
        else:
            self.report("creating tables and seeding")
            self.notes += berth.host.call(self._prepare, self.settings.deadlines.build_s)
            template = self.databases.name("template")
            copies_of_it = [(berth.database, name) for name in (template, *(other.database for other in others))]
        self._clone(copies_of_it)
        self._template = self._template or self.databases.name("template")
        for other in others:
            assert other.host is not None
            other.host.database_ready()

    def _clone(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Side by side: a clone waits for the disk more than for a processor."""
        if pairs:
            with ThreadPoolExecutor(len(pairs), "seatrial-clone") as pool:
                list(pool.map(lambda pair: self.databases.clone(*pair), pairs))

    def _begin_to_enter(self, berth: Berth) -> Callable[[], tuple[list[str], bool]]:
        assert berth.host is not None
        self.report(f"logging in ({berth.profile.value})")
        return berth.host.begin(self._log_in, self.settings.deadlines.build_s)

    def _entered(self, berth: Berth, notes: list[str], wrote: bool) -> list[tuple[str, str]]:
        """Every identity is logged in: what the database is restored from, and what must be cloned for that."""
        if berth.starts == 1:
            self.notes += [note for note in notes if note not in self.notes]
        if not wrote:
            berth.base = self._template
            return []
        # Sessions may live in the database: what is restored later must still know who is logged in.
        berth.base = self.databases.name(f"{berth.profile.value}_base")
        return [(berth.database, berth.base)]

    # ------------------------------------------------------------------ trials
    def call(
        self,
        profile: Profile,
        trial: Callable[Concatenate[Target, P], R],
        deadline_s: float,
        *arguments: P.args,
        **options: P.kwargs,
    ) -> R:
        """Run a whole trial in the host of a profile, starting the host where there is none.

        Raises:
            HostEnded, HostHung: This trial ended the host; the next call starts a new one.
        """
        berth = self._berth(profile)
        if berth.host is None:
            self._spawn(berth)
            self._begin_build(berth)
            self._make_database(berth)
            self._finish_build(berth)
            self._clone(self._entered(berth, *self._begin_to_enter(berth)()))
        assert berth.host is not None
        try:
            return berth.host.call(trial, deadline_s, *arguments, **options)
        except (HostEnded, HostHung):
            berth.host.kill()
            berth.host = None
            raise

    def restore(self, profile: Profile) -> None:
        """Put the database of a host back to what it was after logging in."""
        berth = self._berths[profile]
        if berth.host is None:
            return  # the next host starts from the template anyway
        self.call(profile, self._release, self.settings.deadlines.request_s)
        self.databases.clone(berth.base, berth.database)

    @contextmanager
    def emptied(self, profile: Profile) -> Iterator[None]:
        """The database of a host without its tables, for a while; put back afterwards."""
        self.call(profile, self._release, self.settings.deadlines.request_s)
        berth = self._berths[profile]
        self.databases.drop(berth.database)
        self.databases.create(berth.database)
        try:
            yield
        finally:
            self.restore(profile)

    def process_ids(self) -> list[int]:
        """Of the hosts that are alive."""
        return [berth.host.process.pid for berth in self._berths.values() if berth.host is not None]

    def files_written(self) -> list[str]:
        """What the app wrote beside itself, in its working copies."""
        found: set[str] = set()
        for berth in self._berths.values():
            found.update(copies.changed_files(self.settings.root, berth.folder))
        return sorted(found)

    # ------------------------------------------------------------------ ending
    def stop(self, profile: Profile) -> None:
        """End one host; its database stays."""
        berth = self._berths.get(profile)
        if berth is not None and berth.host is not None:
            berth.host.close()
            berth.host = None

    def close(self) -> None:
        """End the hosts, drop the databases, remove the copies. Safe to call twice."""
        for berth in self._berths.values():
            if berth.host is not None:
                berth.host.close()
                berth.host = None
        if self._opening is not None and self._databases is None and self._opening.exception() is None:
            self._databases = self._opening.result()  # an interruption came before anybody asked for it
        if self._databases is not None:
            self._databases.close()
            self._databases = None
        copies.remove(self._folder)
        self._watched.close()

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
