"""pydantic's errors in human words, with the key as it stands in the file and a way out."""

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from seatrial.config.settings import LimitTable, Tables
from seatrial.config.shapes import kind

_EXAMPLES = {"app": '"package:create_app"', "services": '["app/services"]', "routes": '["app/blueprints"]'}
_BARE = str.maketrans("", "", "_-")


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake: the dotted key (`identities[0].login`), and the sentence with its way out."""

    key: str
    text: str


def explain(error: ValidationError, within: tuple[str | int, ...] = ()) -> Iterator[Mistake]:
    """Every mistake in a validation error. `within` is where the validated value stands in the file."""
    for detail in error.errors(include_url=False):
        location = (*within, *(part for part in detail["loc"] if part != "[key]"))
        cause = detail.get("ctx", {}).get("error")
        if isinstance(cause, ValidationError):
            yield from explain(cause, location)
            continue
        yield Mistake(dotted(location), _sentence(detail, location))


def dotted(location: Iterable[str | int]) -> str:
    """`("identities", 0, "login")` → `identities[0].login`."""
    key = ""
    for part in location:
        key += f"[{part}]" if isinstance(part, int) else f".{part}" if key else part
    return key


def did_you_mean(word: str, known: Iterable[str], otherwise: str) -> str:
    """`did you mean X?` where one of the known words is near, else the other way out."""
    # `db_url` and `dburl`, `Workers` and `workers` are the same slip: compare bare words, answer with the real one.
    bare = {name.lower().translate(_BARE): name for name in known}
    slip = word.lower().translate(_BARE)
    begun = [name for name in bare if len(slip) > 2 and name.startswith(slip)]
    near = begun or difflib.get_close_matches(slip, bare, n=1, cutoff=0.6)
    return f"did you mean {bare[near[0]]}?" if near else otherwise


def _sentence(detail: ErrorDetails, location: tuple[str | int, ...]) -> str:
    given, context, name = detail["input"], detail.get("ctx", {}), str(location[-1]) if location else ""
    but = f", but is {kind(given)}"
    match detail["type"]:
        case "seatrial":
            return str(context["sentence"])
        case "extra_forbidden":
            known = _keys_beside(location)
            return f"is no key of Seatrial; {did_you_mean(name, known, 'delete it; known here: ' + ', '.join(known))}"
        case "missing":
            return f"is missing; add {name} = {_EXAMPLES.get(name, '…')}"
        case "string_type":
            return f"must be text{but}; put it in quotes"
        case "int_type" | "int_from_float":
            return f"must be a whole number{but}; write it without quotes and point"
        case "float_type":
            return f"must be a number{but}; write it without quotes"
        case "list_type":
            return f"must be a list{but}; {_bracketed(name, location)}"
        case "dict_type" | "model_type" | "model_attributes_type":
            return f"must be a table{but}; {_tabled(location)}"
        case "greater_than":
            return f"must be greater than {context['gt']:g}; write a larger number"
        case "greater_than_equal":
            return f"must be at least {context['ge']}; write a larger number"
        case "less_than_equal":
            return f"must be at most {context['le']}; write a smaller number"
        case "finite_number":
            return "must be a finite number; write how many"
        case "literal_error":
            return _not_a_choice(given, str(context["expected"]).replace(" or ", ", ").replace("'", ""))
        case _:
            return f"{detail['msg'][:1].lower()}{detail['msg'][1:]}; `seatrial init` writes an example"


def _not_a_choice(given: Any, choices: str) -> str:
    if not isinstance(given, str):
        return f"must be text, but is {kind(given)}; use one of {choices}"
    hint = did_you_mean(given, choices.split(", "), "")
    return f'"{given}" is not known here; {hint + " " if hint else ""}use one of {choices}'


def _bracketed(name: str, location: tuple[str | int, ...]) -> str:
    path = ".".join(part for part in location if isinstance(part, str))
    if path in ("identities", "outbound", "webhooks", "idempotency", "growth", "indexes", "smoke.routes"):
        return f"begin each with [[tool.seatrial.{path}]]"
    return f"write {name} = {_EXAMPLES.get(name, '[…]')}"


def _tabled(location: tuple[str | int, ...]) -> str:
    path = ".".join(part for part in location if isinstance(part, str))
    double = any(isinstance(part, int) for part in location[-1:])
    return f"begin it with [[tool.seatrial.{path}]]" if double else f"begin it with [tool.seatrial.{path}]"


def _keys_beside(location: tuple[str | int, ...]) -> list[str]:
    """The keys that may stand in the table that the last part of a location stands in."""
    model: type[BaseModel] = Tables
    for part in location[:-1]:
        if part == "limits":
            model = LimitTable
        elif isinstance(part, str):
            field = _by_key(model).get(part)
            inner = next(_models(field), None) if field is not None else None
            if inner is None:
                return []
            model = inner
    return list(_by_key(model))


def _by_key(model: type[BaseModel]) -> dict[str, Any]:
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)
