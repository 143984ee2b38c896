"""Parse, call the service, answer: what a view of an API needs around its service.

@bp.post("/items/<int:item_id>/adjust")
def adjust(item_id: int) -> Response:
    change = read_body(Adjust)
    item = inventory.adjust(item_id, change.quantity)
    return reply(ItemOut.model_validate(item, from_attributes=True))
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from flask import Response, current_app, request
from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

from seatrial.kit.refusals import VALIDATION_ERROR, fields

__all__ = ["InvalidRequest", "read_body", "read_form", "read_path", "read_query", "reply"]

M = TypeVar("M", bound=BaseModel)


class InvalidRequest(BadRequest):
    """400 with the code VALIDATION_ERROR. Raise it for what only the service can know, too."""

    error_code = VALIDATION_ERROR

    def __init__(self, message: str = "The request is not valid.", details: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.details = dict(details or {})


def read_body(model: type[M]) -> M:
    """The JSON body. 415 where it is called something else.

    Raises:
        InvalidRequest: It is no JSON, or not of the model's shape.
    """
    try:
        sent = request.get_json()
    except RequestEntityTooLarge:
        raise
    except (BadRequest, RecursionError) as error:
        raise InvalidRequest("The body is not valid JSON.") from error
    return _parsed(model, sent)


def read_form(model: type[M]) -> M:
    """The fields of a form. Raises InvalidRequest."""
    return _parsed(model, _flat(model, request.form.to_dict(flat=False)))


def read_query(model: type[M]) -> M:
    """The query string; a field that is a list takes every value of its name. Raises InvalidRequest."""
    return _parsed(model, _flat(model, request.args.to_dict(flat=False)))


def read_path(model: type[M]) -> M:
    """The arguments of the route. Raises InvalidRequest."""
    return _parsed(model, dict(request.view_args or {}))


def reply(answer: BaseModel | Sequence[BaseModel], status: int = 200) -> Response:
    """One model, or a list of them, as JSON."""
    if isinstance(answer, BaseModel):
        body: str | bytes = answer.model_dump_json()
    else:
        body = TypeAdapter(list[Any]).dump_json(list(answer))
    return current_app.response_class(body, status, mimetype="application/json")


def _parsed(model: type[M], sent: JsonValue | dict[str, Any]) -> M:
    if (place := _nul(sent)) is not None:
        raise InvalidRequest(details={place or "body": "Must not contain NUL"})
    try:
        return model.model_validate(sent)
    except (ValidationError, RecursionError) as error:
        raise InvalidRequest(details=fields(error) if isinstance(error, ValidationError) else {}) from error


def _nul(sent: Any) -> str | None:
    """Where a NUL character is: PostgreSQL stores none, and says so with an error. Not recursive: bodies are deep."""
    waiting: list[tuple[str, Any]] = [("", sent)]
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, str):
            if "\0" in value:
                return place
        elif isinstance(value, Mapping):
            if any("\0" in str(key) for key in value):
                return place
            waiting += [(f"{place}.{key}".lstrip("."), inner) for key, inner in value.items()]
        elif isinstance(value, list):
            waiting += [(f"{place}.{number}".lstrip("."), inner) for number, inner in enumerate(value)]
    return None


def _flat(model: type[BaseModel], sent: Mapping[str, list[str]]) -> dict[str, Any]:
    several = {
        name
        for key, field in model.model_fields.items()
        if _takes_several(field.annotation)
        for name in (key, field.alias, field.validation_alias)
        if isinstance(name, str)
    }
    return {name: values if name in several else values[0] for name, values in sent.items()}


def _takes_several(annotation: Any) -> bool:
    origin = get_origin(annotation)
    if origin in (Union, UnionType, Annotated):
        return any(_takes_several(part) for part in get_args(annotation))
    kind = origin or annotation
    return isinstance(kind, type) and issubclass(kind, Collection) and not issubclass(kind, str | bytes | Mapping)
