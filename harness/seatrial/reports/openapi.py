"""OpenAPI 3.1 of an app that may never have had one: from its URL map, what discovery saw, and pydantic models.

Only what was seen is said: a path and its parameters from the rule and its converters, bodies and answers from models
that the view names, the status that the page really gave, who may ask. What OpenAPI has no word for is `x-seatrial-…`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from seatrial.model.contracts import Contract, Contracts, Schema
from seatrial.model.inventory import Access, Inventory, Route

VERSION = "3.1.0"
SESSION = "session"
_ARGUMENT = re.compile(r"<(?:(?P<converter>[A-Za-z_]\w*)(?:\((?P<options>[^()]*)\))?:)?(?P<name>\w+)>")
_JSON, _FORM = "application/json", "application/x-www-form-urlencoded"


def document(
    inventory: Inventory, contracts: Contracts, spent: Mapping[str, tuple[int, int]], *, version: str = "0"
) -> dict[str, Any]:
    """The whole document.

    Args:
        spent: (status, statements) by route key, of those that were asked.
        version: The app's, as nothing in Flask tells it.
    """
    paths: dict[str, dict[str, Any]] = {}
    templates: dict[str, str] = {}
    operations: dict[str, int] = {}
    for route in inventory.routes:
        if route.shadowed_by or route.endpoint.rpartition(".")[2] == "static":
            continue
        # Two templates that differ in the names of parameters are one path to OpenAPI.
        path = templates.setdefault(re.sub(r"{\w+}", "{}", template(route.rule)), template(route.rule))
        methods = paths.setdefault(path, {})
        method = route.method.lower()
        if method in methods:
            methods[method].setdefault("x-seatrial-also", []).append(f"{route.rule} {route.endpoint}")
            continue
        names = re.findall(r"{(\w+)}", path)
        methods[method] = _operation(route, contracts.views.get(route.key, Contract()), spent.get(route.key), names)
        unique = methods[method]["operationId"]
        operations[unique] = operations.get(unique, 0) + 1
        if operations[unique] > 1:
            methods[method]["operationId"] = f"{unique}_{operations[unique]}"
    found: dict[str, Any] = {
        "openapi": VERSION,
        "info": {"title": contracts.title, "version": version},
        "paths": paths,
        "components": {
            "schemas": dict(contracts.schemas),
            "securitySchemes": {SESSION: {"type": "apiKey", "in": "cookie", "name": contracts.session_cookie}},
        },
    }
    tags = sorted({tag for methods in paths.values() for one in methods.values() for tag in one.get("tags", ())})
    return found | ({"tags": [{"name": tag} for tag in tags]} if tags else {})


def template(rule: str) -> str:
    """`/items/<int:item_id>` as OpenAPI writes it: `/items/{item_id}`."""
    return _ARGUMENT.sub(lambda match: "{" + match["name"] + "}", rule)


def _operation(route: Route, contract: Contract, seen: tuple[int, int] | None, names: list[str]) -> dict[str, Any]:
    summary, _, more = contract.text.partition("\n")
    found: dict[str, Any] = {"operationId": f"{route.endpoint}_{route.method.lower()}".replace(".", "_")}
    found |= {"summary": summary.strip()} if summary.strip() else {}
    found |= {"description": more.strip()} if more.strip() else {}
    found |= {"tags": [route.blueprint]} if route.blueprint else {}
    parameters = _path_parameters(route.rule, names) + _query_parameters(contract.query)
    found |= {"parameters": parameters} if parameters else {}
    content = {kind: {"schema": schema} for kind, schema in ((_JSON, contract.body), (_FORM, contract.form)) if schema}
    found |= {"requestBody": {"required": True, "content": content}} if content and not route.safe else {}
    found["responses"] = _responses(contract, seen)
    found |= {"security": [{SESSION: []}]} if route.access is Access.LOGIN else {}
    found |= {"x-seatrial-csrf": route.csrf} if route.csrf else {}
    found |= {"x-seatrial-limits": list(route.limits)} if route.limits else {}
    return found


def _responses(contract: Contract, seen: tuple[int, int] | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        str(status): {"description": "The answer.", "content": {_JSON: {"schema": schema}}}
        for status, schema in sorted(contract.answers.items())
    }
    if seen is not None and 100 <= seen[0] < 600 and str(seen[0]) not in found:
        found[str(seen[0])] = {"description": "Seen when it was asked with sample arguments."}
    if contract.refuses:
        envelope = {"$ref": "#/components/schemas/ErrorEnvelope"}
        found["400"] = {"description": "The request is not valid.", "content": {_JSON: {"schema": envelope}}}
    return found or {"default": {"description": "Not asked: nothing is known of its answer."}}


# ---------------------------------------------------------------------- parameters
def _path_parameters(rule: str, names: list[str]) -> list[dict[str, Any]]:
    found = []
    for name, match in zip(names, _ARGUMENT.finditer(rule), strict=True):
        schema, note = _converted(match["converter"] or "string", match["options"] or "")
        one: dict[str, Any] = {"name": name, "in": "path", "required": True, "schema": schema}
        found.append(one | ({"description": note} if note else {}))
    return found


def _converted(converter: str, options: str) -> tuple[dict[str, Any], str]:
    """(JSON Schema, what it cannot say) of one of Werkzeug's converters."""
    told = dict(re.findall(r"(\w+)\s*=\s*(-?\d+)", options))
    signed = re.search(r"signed\s*=\s*True", options) is not None
    match converter:
        case "int" | "float":
            found: dict[str, Any] = {"type": "integer" if converter == "int" else "number"}
            found |= {"minimum": int(told["min"])} if "min" in told else {} if signed else {"minimum": 0}
            return found | ({"maximum": int(told["max"])} if "max" in told else {}), ""
        case "uuid":
            return {"type": "string", "format": "uuid"}, ""
        case "any":
            return {"enum": [word.strip().strip("\"'") for word in options.split(",")]}, ""
        case "path":
            return {"type": "string", "minLength": 1}, "May hold slashes."
        case "string" | "default":
            lengths = {"minLength": told.get("minlength", "1"), "maxLength": told.get("maxlength")}
            if "length" in told:
                lengths = dict.fromkeys(lengths, told["length"])
            return {"type": "string"} | {name: int(size) for name, size in lengths.items() if size is not None}, ""
        case _:
            return {"type": "string"}, f"Read by the app's own converter {converter}."


def _query_parameters(query: Schema | None) -> list[dict[str, Any]]:
    """One parameter for the whole model, whose fields are the query's: OpenAPI spreads an object by itself."""
    if query is None:
        return []
    return [{"name": "query", "in": "query", "style": "form", "explode": True, "schema": query}]
