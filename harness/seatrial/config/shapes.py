"""Shapes of single values: what may stand at one key, and the sentence that says what stands there instead.

A shape looks at one value only. What needs two keys, the disk or the environment is in `checks`, because pydantic does
not run a model's own validators once one of its fields is wrong, and then the second mistake would stay hidden.
"""

import re
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, Field, PlainValidator
from pydantic_core import PydanticCustomError

from seatrial.model.outcomes import Level

_NAME = r"[A-Za-z_]\w*"
_TARGET = re.compile(rf"{_NAME}(\.{_NAME})*:{_NAME}(\.{_NAME})*")
_ROUTE = re.compile(r"[A-Z]+ /\S*")
_PATTERN = re.compile(r"([A-Z]+ )?[/*]\S*")
_COLUMN = re.compile(rf"({_NAME}\.)?{_NAME}\.({_NAME}|\*)")
_RULE = re.compile(r"[A-Z]{3}\d{3}|(ruff|mypy|bandit|pytest):[\w-]+")


def mistake(what: str, way_out: str) -> PydanticCustomError:
    """An error whose sentence is shown as it stands."""
    # Handed over as context: pydantic would read braces of the sentence itself as fields of a template.
    return PydanticCustomError("seatrial", "{sentence}", {"sentence": f"{what}; {way_out}"})


def kind(value: object) -> str:
    """The TOML word for a value's type. Never the value: it may be a secret."""
    match value:
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list() | tuple():
            return "a list"
        case dict():
            return "a table"
        case _:
            return "a date or time"


def _matching(pattern: re.Pattern[str], what: str, way_out: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        if not pattern.fullmatch(value):
            raise mistake(f'"{value}" is not {what}', way_out)
        return value

    return check


def _target(value: str) -> str:
    if _TARGET.fullmatch(value):
        return value
    guess = value.removesuffix("()").replace(".py:", ":").replace("/", ".")
    if ":" not in guess and "." in guess:
        guess = ":".join(guess.removesuffix(".py").rsplit(".", 1))
    way_out = f'did you mean "{guess}"?' if _TARGET.fullmatch(guess) else 'write it like "package.module:name"'
    raise mistake(f'"{value}" is not "module:name"', way_out)


def _seed(value: str) -> str:
    if value.startswith("flask "):
        if not value.removeprefix("flask ").strip():
            raise mistake('"flask" names no command', 'write it like "flask seed --demo"')
        return value
    if not _TARGET.fullmatch(value):
        raise mistake(
            f'"{value}" is neither "module:callable" nor "flask NAME"',
            'write it like "tests.trial:seed" or "flask seed --demo"',
        )
    return value


def _path(value: str) -> str:
    if not value.startswith("/") or any(c.isspace() for c in value):
        raise mistake(f'"{value}" is not a path of the app', 'begin it with "/", without host and blanks')
    return value


def _inside(value: str) -> str:
    if not value or value.startswith("/") or ".." in value.split("/") or "\\" in value:
        raise mistake(f'"{value}" is not a path inside the project', 'write it relative to the project, with "/"')
    return value


def _identity_name(value: str) -> str:
    if value == "anonymous":
        raise mistake('"anonymous" is taken by the visitor who is not logged in', "choose another name")
    if not re.fullmatch(r"[\w.@-]+", value):
        raise mistake(f'"{value}" is not a name', "use letters, digits and . _ - @ only: it stands in every report")
    return value


def _url(value: str) -> str:
    if not re.match(r"https?://\S+$", value):
        raise mistake(f'"{value}" is not a web address', 'write it like "https://mail.example/*"')
    return value


def _database(value: str) -> str:
    if value in ("embedded", "sqlite"):
        return value
    scheme, separator, _ = value.partition("://")
    # The value itself is never shown: it holds a password.
    if scheme == "postgres":
        raise mistake("SQLAlchemy does not know postgres://", "begin the URL with postgresql://")
    if scheme.startswith("sqlite"):
        raise mistake("trials never run on a database file that was there before", 'write "sqlite" for a fresh one')
    if not separator or scheme.split("+")[0] != "postgresql":
        raise mistake(
            "is none of embedded, sqlite, or the URL of a PostgreSQL server", 'write "embedded" or "postgresql://…"'
        )
    return value


def _level(value: Any) -> Level:
    try:
        return Level(value)
    except ValueError:
        raise _not_a_level(value, "block, warn, info, off") from None


def _gate_level(value: Any) -> Level:
    level = _level(value) if value != "info" else Level.INFO
    if level is Level.INFO:
        raise _not_a_level(value, "block, warn, off")
    return level


def _not_a_level(value: Any, levels: str) -> PydanticCustomError:
    shown = f'"{value}"' if isinstance(value, str) else kind(value)
    return mistake(f"{shown} is not a level", f"use one of {levels}")


def _scalar(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise mistake(f"must be text or a number, but is {kind(value)}", "write one value")
    return value


def _user_id(value: Any) -> Any:
    if value is not None and (isinstance(value, bool) or not isinstance(value, str | int)):
        raise mistake(f"must be text or a whole number, but is {kind(value)}", "write the user's id")
    return value


def _filled(value: list[str]) -> list[str]:
    if not value:
        raise mistake("is empty", "name at least one, or leave the key out")
    return value


Target = Annotated[str, AfterValidator(_target)]
"""`package.module:name`."""
Seed = Annotated[str, AfterValidator(_seed)]


def one_or_more(value: object) -> object:
    """A single word stands for a list of one."""
    return [value] if isinstance(value, str) else value


"""`module:callable`, or `flask NAME args…` for a command of the app's own CLI."""
RoutePath = Annotated[str, AfterValidator(_path)]
"""A path of the app, `/auth/login`."""
Inside = Annotated[str, AfterValidator(_inside)]
"""A file or folder relative to the project's root, POSIX."""
RouteKey = Annotated[
    str, AfterValidator(_matching(_ROUTE, 'of the form "METHOD /rule"', 'write it like "GET /inventory/"'))
]
RoutePattern = Annotated[
    str, AfterValidator(_matching(_PATTERN, "a pattern of routes", 'write it like "/auth/logout" or "GET /export/*"'))
]
Column = Annotated[
    str, AfterValidator(_matching(_COLUMN, 'of the form "table.column"', 'write "table.column", or "table.*" for all'))
]
RuleCode = Annotated[
    str, AfterValidator(_matching(_RULE, "the code of a rule", "`seatrial rules` lists them (SQL001, ruff:F401 …)"))
]
IdentityName = Annotated[str, AfterValidator(_identity_name)]
Url = Annotated[str, AfterValidator(_url)]
DatabaseUrl = Annotated[str, AfterValidator(_database)]
RuleLevel = Annotated[Level, PlainValidator(_level)]
GateLevel = Annotated[Level, PlainValidator(_gate_level)]
Scalar = Annotated[str | int | float, PlainValidator(_scalar)]
UserId = Annotated[str | int | None, PlainValidator(_user_id)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]
Percent = Annotated[int, Field(ge=1, le=100)]
Status = Annotated[int, Field(ge=100, le=599)]
SomeColumns = Annotated[list[str], AfterValidator(_filled)]
SomePaths = Annotated[list[Inside], AfterValidator(_filled)]
