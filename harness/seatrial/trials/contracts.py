"""Reads in a view's source which pydantic models it parses and answers with: the kit's helpers, and pydantic alone.

Runs where the app is imported: names mean what they mean in the view's own module. What cannot be told from the source
(a model chosen at run time, a helper that hides the parsing) is left out, never guessed.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from dataclasses import dataclass, field
from types import FunctionType
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel
from pydantic.errors import PydanticUserError
from pydantic.json_schema import models_json_schema

from seatrial.kit import validation
from seatrial.kit.refusals import ErrorEnvelope
from seatrial.model.contracts import Contract, Contracts, Schema

if TYPE_CHECKING:
    from seatrial.target import Target

Mode = Literal["validation", "serialization"]
Model = type[BaseModel]

REFERENCE = "#/components/schemas/{model}"
READERS = {validation.read_body: "body", validation.read_form: "form", validation.read_query: "query"}
SOURCES = {"get_json": "body", "json": "body", "form": "form", "args": "query"}
"""Attributes of flask.request, for views that hand them to pydantic themselves."""
NOTHING = object()


@dataclass(slots=True)
class _Seen:
    """The models of one view."""

    text: str = ""
    read: dict[str, Model] = field(default_factory=dict)
    answers: dict[int, tuple[Model, bool]] = field(default_factory=dict)
    """By status; whether it is a list of them."""
    refuses: bool = False


def contracts(target: Target) -> Contracts:
    """Of every view that the app has; those whose source cannot be read have but their name."""
    app = target.app
    seen: dict[str, _Seen] = {}
    for rule in app.url_map.iter_rules():
        view = app.view_functions.get(rule.endpoint)
        for method in rule.methods or ():
            function = _function(view, method)
            if function is not None:
                seen[f"{method} {rule.rule} {rule.endpoint}"] = _read(function)
    wanted: dict[tuple[Model, Mode], None] = {}
    for one in seen.values():
        wanted |= {(model, "validation"): None for model in one.read.values()}
        wanted |= {(model, "serialization"): None for model, _ in one.answers.values()}
    if any(one.refuses for one in seen.values()):
        wanted[ErrorEnvelope, "serialization"] = None
    references, schemas = _schemas(list(wanted))
    return Contracts(
        title=app.name,
        session_cookie=str(app.config.get("SESSION_COOKIE_NAME") or "session"),
        views={key: _contract(one, references) for key, one in seen.items()},
        schemas=schemas,
    )


def _schemas(wanted: list[tuple[Model, Mode]]) -> tuple[dict[tuple[Model, Mode], Schema], dict[str, Any]]:
    """References and definitions. A model that has no schema (a field of any class) is left out with its views."""
    usable: list[tuple[Model, Mode]] = []
    for model, mode in wanted:
        try:
            model.model_json_schema(mode=mode)
        except (PydanticUserError, TypeError, ValueError):
            continue
        usable.append((model, mode))
    if not usable:
        return {}, {}
    references, found = models_json_schema(usable, ref_template=REFERENCE)
    named: dict[tuple[Model, Mode], Schema] = {(model, mode): references[model, mode] for model, mode in usable}
    return named, dict(found.get("$defs", {}))


def _contract(seen: _Seen, references: dict[tuple[Model, Mode], Schema]) -> Contract:
    read = {name: references.get((model, "validation")) for name, model in seen.read.items()}
    answers = {}
    for status, (model, several) in seen.answers.items():
        schema = references.get((model, "serialization"))
        if schema is not None:
            answers[status] = {"type": "array", "items": schema} if several else schema
    return Contract(
        seen.text, read.get("body"), read.get("form"), read.get("query"), answers, seen.refuses and bool(references)
    )


# ---------------------------------------------------------------------- one view
def _function(view: Any, method: str) -> FunctionType | None:
    if view is None:
        return None
    function = inspect.unwrap(view)
    cls = getattr(function, "view_class", None)
    if cls is not None:
        function = getattr(cls, method.lower(), None) or getattr(cls, "dispatch_request", None)
        function = inspect.unwrap(function) if function is not None else None
    return function if isinstance(function, FunctionType) else None


def _read(function: FunctionType) -> _Seen:
    seen = _Seen(inspect.getdoc(function) or "")
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError, ValueError):
        return seen
    names = _Names(function)
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        called = names.value(call.func)
        where = READERS.get(called) if isinstance(called, FunctionType) else None
        if where is not None and call.args and (model := names.model(call.args[0])):
            seen.read[where] = model
            seen.refuses = True
        elif called is validation.reply and call.args:
            _answer(seen, names, call)
        elif (parsed := _parsed(names, call)) is not None:
            where, model = parsed
            seen.read.setdefault(where, model)
    return seen


def _answer(seen: _Seen, names: _Names, call: ast.Call) -> None:
    told = next(
        (one.value for one in call.keywords if one.arg == "status"), call.args[1] if len(call.args) > 1 else None
    )
    status = told.value if isinstance(told, ast.Constant) and isinstance(told.value, int) else 200
    if told is not None and not isinstance(told, ast.Constant):
        return
    given = call.args[0]
    several = isinstance(given, ast.ListComp)
    made = given.elt if isinstance(given, ast.ListComp) else given
    if (model := names.made(made)) is not None:
        seen.answers.setdefault(status, (model, several))


def _parsed(names: _Names, call: ast.Call) -> tuple[str, Model] | None:
    """`Model.model_validate(request.get_json())`, `Model(**request.args)`: (what is read, by which model)."""
    func = call.func
    if isinstance(func, ast.Attribute) and func.attr in ("model_validate", "parse_obj"):
        model, given = names.model(func.value), call.args[:1]
    else:
        model, given = names.model(func), [one.value for one in call.keywords if one.arg is None]
    if model is None or not given:
        return None
    for node in ast.walk(given[0]):
        if isinstance(node, ast.Attribute) and node.attr in SOURCES and names.is_request(node.value):
            return SOURCES[node.attr], model
    return None


class _Names:
    """What names in a view's source stand for."""

    def __init__(self, function: FunctionType) -> None:
        self._known: dict[str, Any] = dict(function.__globals__)
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=False):
            try:
                self._known[name] = cell.cell_contents
            except ValueError:  # not bound yet
                continue

    def value(self, node: ast.expr) -> Any:
        """NOTHING where it is not a plain name, or an attribute that looking at would run code."""
        match node:
            case ast.Name(id=name):
                return self._known.get(name, NOTHING)
            case ast.Attribute(value=inner, attr=attr):
                holder = self.value(inner)
                return inspect.getattr_static(holder, attr, NOTHING) if holder is not NOTHING else NOTHING
            case _:
                return NOTHING

    def model(self, node: ast.expr) -> Model | None:
        found = self.value(node)
        return found if isinstance(found, type) and issubclass(found, BaseModel) and found is not BaseModel else None

    def made(self, node: ast.expr) -> Model | None:
        """The model that an expression makes: `Model(…)`, `Model.model_validate(…)`, `Model.of(…)`."""
        if not isinstance(node, ast.Call):
            return None
        if (model := self.model(node.func)) is not None:
            return model
        if not isinstance(node.func, ast.Attribute) or (model := self.model(node.func.value)) is None:
            return None
        method = inspect.getattr_static(model, node.func.attr, None)
        return model if isinstance(method, classmethod) and _gives_itself(method, model) else None

    def is_request(self, node: ast.expr) -> bool:
        found = self.value(node)
        return (
            type(found).__module__ == "werkzeug.local" and isinstance(node, ast.Name | ast.Attribute) and _named(node)
        )


def _named(node: ast.Name | ast.Attribute) -> bool:
    return (node.id if isinstance(node, ast.Name) else node.attr) == "request"


def _gives_itself(method: classmethod[Any, Any, Any], model: Model) -> bool:
    told = str(getattr(method.__func__, "__annotations__", {}).get("return", ""))
    return told.strip("\"'").rpartition(".")[2] in (model.__name__, "Self") or model.__name__ in told
