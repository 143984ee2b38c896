"""The text of the configuration: what is known is set, what only a person knows is there to be filled in."""

import json
import re
import textwrap
from collections.abc import Collection

from seatrial.scaffold import made_up, tools
from seatrial.scaffold.databases import KEY
from seatrial.scaffold.seeds import Seed
from seatrial.scaffold.survey import Survey
from seatrial.scaffold.tokens import Issuer, TokenAuth
from seatrial.scaffold.variables import Need

_COLUMN = 44
_WIDTH = 116
_MOST = 8


class Text:
    """Lines of TOML; `prefix` is `tool.seatrial` or nothing."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self.lines: list[str] = []

    def table(self, name: str = "", *, commented: bool = False, many: bool = False) -> None:
        path = ".".join(part for part in (self._prefix, name) if part)
        if not path:
            return
        header = f"[[{path}]]" if many else f"[{path}]"
        self.lines.append(f"# {header}" if commented else header)

    def set(self, key: str, value: object, why: str = "", *, commented: bool = False) -> None:
        line = f"{'# ' if commented else ''}{_key(key)} = {toml(value)}"
        why = _printable(why)
        whole = f"{line:<{_COLUMN}}  # {why}" if why else line
        if len(whole) <= _WIDTH:
            self.lines.append(whole)
            return
        if why:
            self.say(why)
        if isinstance(value, list) and len(line) > _WIDTH and not commented:
            self.lines += [f"{_key(key)} = [", *(f"    {toml(one)}," for one in value), "]"]
        else:
            self.lines.append(line)

    def say(self, *sentences: str) -> None:
        self.lines += [f"# {line}" for sentence in sentences for line in textwrap.wrap(_printable(sentence), _WIDTH)]

    def code(self, *lines: str) -> None:
        """Something to copy: indented, so that it is told from what only has to be switched on."""
        self.lines += [f"#     {_printable(line)}" for line in lines]

    def gap(self) -> None:
        if self.lines and self.lines[-1]:
            self.lines.append("")


def toml(value: object) -> str:
    """A TOML value on one line."""
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case dict():
            return "{ " + ", ".join(f"{_key(str(k))} = {toml(v)}" for k, v in value.items()) + " }"
        case list() | tuple():
            return f"[{', '.join(toml(one) for one in value)}]"
        case _:
            # JSON's escapes are TOML's, but for DEL, which TOML wants escaped.
            return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def document(
    survey: Survey,
    *,
    prefix: str,
    database: str | None,
    seed: Seed | None,
    seed_failed: str = "",
    secrets: Collection[str] = (),
) -> str:
    """The whole configuration.

    Args:
        survey: What the source says.
        prefix: `tool.seatrial` in pyproject.toml, empty in a file of our own.
        database: `embedded` or `sqlite`, where a person chose.
        seed: The seed to use; the others stand in comments.
        seed_failed: Why the seed that would have been used is not.
        secrets: Variables whose default the app refuses in production.
    """
    text = Text(prefix)
    text.say("Sea trials for this app: `seatrial check` runs them.")
    text.table()
    _app(text, survey)
    _seed(text, survey, seed, seed_failed)
    text.gap()
    _environment(text, survey, secrets)
    text.gap()
    _config(text, survey)
    text.gap()
    _database(text, survey, database)
    text.gap()
    _gates(text, survey)
    for section in (_login, _oauth, _webhooks, _rules):
        text.gap()
        section(text, survey)
    while text.lines and not text.lines[-1]:
        text.lines.pop()
    return "\n".join(text.lines) + "\n"


def _app(text: Text, survey: Survey) -> None:
    others = [one.spec for one in survey.others[:4]]
    also = f"; also found: {', '.join(others)}" if others else ""
    text.set("app", survey.chosen.spec, f"{survey.chosen.place}{also}")
    if survey.argument:
        text.set("factory", survey.argument.kind, "how the factory takes its configuration")
        text.set("factory_argument", survey.argument.value, survey.argument.why)
    if survey.services:
        text.set("services", survey.services, "business logic")
    if survey.routes:
        text.set("routes", survey.routes, "views")
    text.set("sources", survey.sources, "what ruff, mypy and bandit look at")
    if survey.workers:
        text.set("workers", survey.workers[0], survey.workers[1])
    else:
        text.set("workers", 1, "processes of the deployment")
    text.set("environment", "production", "what the trial stands for")
    text.set("hot", ["GET /"], "critical pages; default: those with a budget", commented=True)
    text.set("skip", ["GET /export/*"], "never requested; log-out is left alone anyway", commented=True)


def _seed(text: Text, survey: Survey, seed: Seed | None, failed: str) -> None:
    if seed is not None:
        text.set("seed", seed.spec, f"{seed.place}: one of everything, sown before the trial")
        return
    text.say(
        "Pages of an empty database prove little. A seed makes one of everything, and somebody who can log in: "
        "a command of the app's own CLI, or a function of the app (tests/trial.py: def seed(app): …)."
    )
    if failed:
        text.say(f"The one that was found was tried and failed: {failed}")
    found = [one for one in survey.seeds if one.ready] or survey.seeds
    for one in found[:_MOST]:
        hint = "" if one.ready else " (asks for more)" if one.is_command else " (wrap it in a function of the app)"
        text.set("seed", one.spec, f"{one.place}{hint}", commented=True)
    if len(found) > _MOST:
        text.say(f"… and {len(found) - _MOST} more")
    if not found:
        text.set("seed", "tests.trial:seed", commented=True)


def _environment(text: Text, survey: Survey, secrets: Collection[str]) -> None:
    text.say("Environment of the app, set before it is imported. Nothing of your shell's reaches it.")
    text.table("env")
    for entrance in survey.database.variables:
        text.set(entrance.name, "{database_url}", f"{entrance.place}: the trial's own database")
    unset: list[str] = []
    for name, reading in survey.variables.items():
        if name in survey.database_variables:
            continue
        value = made_up.value_for(reading)
        if mode := survey.modes.get(name):
            otherwise = (
                f"by default the app shows its {mode.default} face" if mode.default else "the face that is tried"
            )
            text.set(name, mode.value, f"{mode.place}: {otherwise}")
        elif name in secrets:
            text.set(name, made_up.secret(reading), f"{reading.place}: made up, for the app refuses its own default")
        elif value is not None:
            text.set(name, value, f"{reading.place}: made up for trials")
        elif name in survey.examples:
            value, file = survey.examples[name]
            text.set(name, value, f"{reading.place}: as in {file}")
        elif reading.need is not Need.DEFAULT or made_up.is_own_secret(reading):
            unset.append(name)
    if unset:
        text.say("Read by the app and left alone; set here what a deployment sets:")
    for name in unset:
        reading = survey.variables[name]
        text.set(name, "", f"{reading.place}: {_need(reading.need)}", commented=True)


def _need(need: Need) -> str:
    match need:
        case Need.REQUIRED:
            return "required, it has no default"
        case Need.EMPTY:
            return "has no default"
        case Need.DEFAULT:
            return "has a default; a deployment sets its own"


def _config(text: Text, survey: Survey) -> None:
    if not survey.database.keys and not survey.database.used:
        text.say("Keys of app.config, handed to the factory where it takes any.")
        text.table("config", commented=True)
        return
    text.say("Keys of app.config, handed to the factory where it takes any, else set after it.")
    text.table("config")
    if not survey.database.keys:
        text.set(KEY, "{database_url}", commented=True)
    for entrance in survey.database.keys:
        text.set(entrance.name, "{database_url}", entrance.place)


def _database(text: Text, survey: Survey, chosen: str | None) -> None:
    text.table("database")
    if chosen is not None:
        text.set("url", chosen, "embedded (PostgreSQL), sqlite, or a server's URL")
    elif survey.database.used:
        text.set("url", "embedded", "a PostgreSQL of the trial's own; or sqlite, or a server's URL")
    else:
        text.set("url", "sqlite", "the app's code uses no SQLAlchemy: an empty file is all that is needed")


def _gates(text: Text, survey: Survey) -> None:
    text.say("block: a new finding fails the check. warn: it is shown. off: the tool is not run.")
    text.table("gates")
    for gate in survey.gates:
        text.set(gate.tool, gate.level, gate.why)


def _login(text: Text, survey: Survey) -> None:
    found = survey.login
    if found is None and survey.tokens is not None:
        _token(text, survey.tokens)
        return
    where = f"The log-in form seems to be {found.path} ({found.place})." if found else "No log-in form was found."
    text.say(
        f"Who is logged in. {where} Fill in somebody whom the seed makes; until then only public pages are tried. "
        "Passwords may come from your environment, as env:NAME."
    )
    text.table("identities", commented=True, many=True)
    text.set("name", "owner", commented=True)
    text.set("login", found.path if found else "/login", commented=True)
    fields = {
        (found.user_field if found else "username"): "somebody",
        (found.password_field if found else "password"): "env:TRIAL_PASSWORD",
    }
    text.set("fields", fields, commented=True)


def _token(text: Text, found: TokenAuth) -> None:
    issuer = found.issuer
    source = f", and POST {issuer.path} ({issuer.place}) seems to hand it out" if issuer else ""
    text.say(
        f"Who is logged in. No log-in form was found; the app asks for a token ({found.what}, {found.place}){source}. "
        "Fill in somebody whom the seed makes; until then only public pages are tried."
    )
    text.table("identities", commented=True, many=True)
    text.set("name", "owner", commented=True)
    headers, call = {"Authorization": "env:TRIAL_TOKEN"}, "tests.trial:log_in"
    if found.scheme == "Basic":
        text.set("headers", headers, 'the whole value: "Basic " and the Base64 of "name:password"', commented=True)
    elif issuer is None:
        text.set("headers", headers, f'the whole value, "{found.scheme or "Bearer"} …"', commented=True)
        text.say("In place of headers, a callable that gets the test client and leaves it logged in:")
        text.code(f"call = {toml(call)}")
    else:
        text.set("call", call, "gets the test client and leaves it logged in, for example so:", commented=True)
        text.code(*_log_in(issuer, found.scheme or "Bearer"))
        text.say("In place of call, the whole header with a token that the seed makes and that stays:")
        text.code(f"headers = {toml(headers)}")


def _log_in(issuer: Issuer, scheme: str) -> tuple[str, ...]:
    """The lines of a callable that asks for a token."""
    user, password = (toml(name) for name in issuer.fields)
    asked = 'auth=("somebody", "…")' if issuer.basic else f'json={{{user}: "somebody", {password}: "…"}}'
    return (
        "def log_in(client):",
        f"    answer = client.post({toml(issuer.path)}, {asked})",
        f"    token = answer.json[{toml(issuer.answer)}]",
        f'    client.environ_base["HTTP_AUTHORIZATION"] = f"{scheme} {{token}}"',
    )


def _oauth(text: Text, survey: Survey) -> None:
    if survey.oauth is None:
        return
    text.say(f"OAuth ({survey.oauth.place}); found by itself where it is usual, named here where it is not.")
    text.table("oauth", commented=True)
    if survey.oauth.login:
        text.set("login", survey.oauth.login, commented=True)
    if survey.oauth.callback:
        text.set("callback", survey.oauth.callback, commented=True)


def _webhooks(text: Text, survey: Survey) -> None:
    for hook in survey.webhooks:
        text.gap()
        text.say(f"A webhook ({hook.place}): check provider and secret, and name the events that the app handles.")
        text.table("webhooks", commented=True, many=True)
        text.set("path", hook.path, commented=True)
        text.set("provider", hook.provider, "stripe, standard (standardwebhooks.com) or generic", commented=True)
        if hook.provider == "stripe" or hook.secret:
            text.set("secret_config", hook.secret or "WEBHOOK_SECRET", "the key of app.config", commented=True)
        if hook.provider == "generic":
            text.set("sign", "tests.trial:sign", "signs a body as the provider does", commented=True)
        events = ["checkout.session.completed"] if hook.provider == "stripe" else ["…"]
        text.set("events", events, commented=True)


def _rules(text: Text, survey: Survey) -> None:
    text.say("A level per rule, for adopting step by step: block, warn, info or off (`seatrial rules` lists them).")
    formatting = any(gate.tool == "ruff" and gate.level != "off" for gate in survey.gates)
    unformatted = formatting and not tools.formats_with_ruff(survey.project)
    text.table("rules", commented=not unformatted)
    if unformatted:
        text.set("ruff:format", "off", "nothing in the project runs ruff format")
    text.set("HDR001", "warn", commented=True)


def _printable(text: str) -> str:
    """TOML wants no control characters in comments."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else toml(name)
