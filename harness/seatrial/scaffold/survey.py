"""Everything that the source says about the app, in one place."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from seatrial.model.errors import ConfigurationError
from seatrial.scaffold import (
    calling,
    candidates,
    databases,
    declared,
    doors,
    folders,
    modes,
    routes,
    seeds,
    tools,
    variables,
)
from seatrial.scaffold.calling import Argument
from seatrial.scaffold.candidates import Candidate
from seatrial.scaffold.databases import DatabaseFacts
from seatrial.scaffold.project import Project
from seatrial.scaffold.tokens import TokenAuth, token_auth
from seatrial.scaffold.variables import Need, Reading
from seatrial.scaffold.views import View, views

_EXAMPLES = (".env.example", ".env.sample", ".env.template", ".env.dist", "env.example", ".flaskenv")
# An example's address of a store names somebody's machine; what is written there would outlive the trial.
_STORES = re.compile(r"REDIS|MONGO|BROKER|CELERY|AMQP|RABBIT|MEMCACHE|ELASTIC|KAFKA|DATABASE|DB_|POSTGRES|MYSQL")
# Which of its faces the app shows is the trial's to say, and production is what it stands for.
_MODES = re.compile(r"(.*_)?(ENV|ENVIRONMENT|MODE|DEBUG|TESTING|CONFIG|PROFILE)")
_PLACEHOLDER = re.compile(r"your|change|xxx|<|\.\.\.|\$\{", re.IGNORECASE)


@dataclass(eq=False)
class Survey:
    """The findings of one reading."""

    project: Project
    near: Project
    """Only what the chosen app is made of."""
    chosen: Candidate
    others: list[Candidate]
    argument: Argument | None
    readings: list[Reading]
    database: DatabaseFacts
    views: list[View]

    @cached_property
    def variables(self) -> dict[str, Reading]:
        """One reading per variable, the one that wants it most."""
        return variables.firmest(self.readings)

    @cached_property
    def modes(self) -> dict[str, modes.Mode]:
        return {mode.name: mode for mode in modes.modes(self.near, self.readings)}

    @cached_property
    def login(self) -> doors.Login | None:
        """The log-in form; what is only posted to, where tokens are asked for, is the view that hands them out."""
        found = doors.login(self.near, self.views)
        return None if found is not None and not found.has_page and self.tokens is not None else found

    @cached_property
    def tokens(self) -> TokenAuth | None:
        return token_auth(self.near, self.views)

    @cached_property
    def webhooks(self) -> list[doors.Hook]:
        return doors.webhooks(self.near, self.views)

    @cached_property
    def oauth(self) -> doors.OAuthDoor | None:
        return doors.oauth(self.views)

    @cached_property
    def seeds(self) -> list[seeds.Seed]:
        return seeds.seeds(self.near, self.project)

    @cached_property
    def services(self) -> list[str]:
        return folders.services(self.near)

    @cached_property
    def routes(self) -> list[str]:
        return routes.routes(self.near, [self.chosen, *self.others], self.services)

    @cached_property
    def sources(self) -> list[str]:
        return folders.sources(self.project, self.chosen)

    @cached_property
    def gates(self) -> list[tools.Gate]:
        return tools.gates(self.project)

    @cached_property
    def workers(self) -> tuple[int, str] | None:
        return declared.workers(self.project)

    @cached_property
    def examples(self) -> dict[str, tuple[str, str]]:
        """Harmless values that the team's own example files give to required variables, and the file."""
        found: dict[str, tuple[str, str]] = {}
        for file in _EXAMPLES:
            for line in self.project.text(file).splitlines():
                match = re.fullmatch(r"\s*(?:export\s+)?([A-Za-z_]\w*)=(.*?)(?:\s+#.*)?\s*", line)
                value = match[2].strip("\"'") if match else ""
                if not match or not value or _PLACEHOLDER.search(value):
                    continue
                if not _STORES.search(match[1]) and not _MODES.fullmatch(match[1]):
                    found.setdefault(match[1], (value, file))
        return {
            name: given
            for name, given in found.items()
            if (reading := self.variables.get(name)) is not None and reading.need is Need.REQUIRED
        }

    @property
    def database_variables(self) -> set[str]:
        return {entrance.name for entrance in self.database.variables}


def survey(root: Path, app: str | None = None) -> Survey:
    """Read the project in `root`. `app` is what a person says; else the best candidate is taken.

    Raises:
        ConfigurationError: There is no Flask app in it, or it lies in a folder below.
    """
    project = Project.read(root)
    found = candidates.candidates(project)
    chosen = _chosen(project, found, app)
    _refuse_other_root(project, chosen)
    near = project.around(chosen.module)
    readings = variables.readings(near)
    database = databases.database_facts(near, readings)
    argument = calling.argument(near, chosen, class_wanted=database.used and not database.variables)
    others = [one for one in found if one is not chosen and not one.module.is_test]
    return Survey(project, near, chosen, others, argument, readings, database, views(near))


def _chosen(project: Project, found: list[Candidate], app: str | None) -> Candidate:
    if app is None:
        if found:
            return found[0]
        read = f"{len(project.modules)} Python files were read"
        unread = f", {len(project.unread)} could not be ({', '.join(project.unread[:3])})" if project.unread else ""
        raise ConfigurationError(
            f"there is no Flask app in {project.root.name}: {read}{unread}, and none calls Flask(…) in a function that "
            "returns it or at its top; run seatrial init in the app's own folder, or name it: --app package:create_app"
        )
    module_name, _, name = app.partition(":")
    named = next((one for one in found if one.spec == app), None)
    if named is not None:
        return named
    module = project.by_name.get(module_name)
    if module is None:
        offers = ", ".join(one.spec for one in found[:5]) or "nothing that looks like one"
        raise ConfigurationError(
            f"--app: there is no module {module_name!r} in {project.root.name}; it has {offers}. "
            "Write it like package.module:create_app"
        )
    # Made in a way that reading does not recognise: the person knows better.
    function = next((s for s in module.at_import() if getattr(s, "name", None) == name), None)
    return Candidate(module, name or "app", function or module.tree, None, 0, ["--app names it"])


def _refuse_other_root(project: Project, chosen: Candidate) -> None:
    """An app that is imported from a folder below must be tried from there: its paths are relative to it."""
    top, _, inside = chosen.module.path.partition("/")
    if not inside or top == "src" or (project.root / top / "__init__.py").is_file():
        return
    own = inside.partition("/")[0].removesuffix(".py")
    targets = [target for m in project.app_modules for target in m.imports.values() if m.path.startswith(top + "/")]
    from_below = any(t == own or t.startswith(own + ".") for t in targets)
    from_here = any(t.startswith(top + ".") for t in targets)
    if from_below and not from_here:
        raise ConfigurationError(
            f"the app lies in {top} and is imported from there ({chosen.place}); run `seatrial init {top}`"
        )
