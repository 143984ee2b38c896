"""`seatrial routes --openapi`: of an app that has no OpenAPI, valid by a validator, and only what was seen."""

import json
from pathlib import Path
from typing import Any

import pytest
from cli.shops import NO_TOOLS, seatrial
from openapi_spec_validator import validate
from openapi_spec_validator.validation.exceptions import OpenAPIValidationError
from support import project

from seatrial.model.contracts import Contract, Contracts
from seatrial.model.inventory import Inventory, Route
from seatrial.reports.openapi import document

SHOP = '''
    import flask
    from flask import Flask, jsonify, request
    from flask.views import MethodView
    from pydantic import BaseModel, ConfigDict, Field
    from seatrial.kit import validation
    from seatrial.kit.validation import read_body as parse, read_query, reply


    class ItemIn(BaseModel):
        name: str = Field(max_length=40)
        amount: int = 1


    class ItemOut(ItemIn):
        id: int

        @classmethod
        def of(cls, name: str) -> "ItemOut":
            return cls(id=1, name=name)

        @classmethod
        def names(cls) -> list[str]:
            return []


    class Search(BaseModel):
        q: str
        page: int = 1


    class Opaque(BaseModel):
        """Has a field that no schema can say."""

        model_config = ConfigDict(arbitrary_types_allowed=True)
        owner: Flask | None = None


    class Shelf(MethodView):
        def get(self, shelf):
            return jsonify(shelf)

        def put(self, shelf):
            """Replace a shelf.

            All of it.
            """
            return jsonify(name=ItemIn.model_validate(flask.request.get_json()).name)


    def create_app(config=None):
        app = Flask("corner shop")
        app.config.update(config or {})

        @app.get("/items")
        def items():
            found = read_query(Search)
            return reply([ItemOut.of(name) for name in (found.q,)])

        @app.post("/items")
        def create():
            return reply(ItemOut(id=2, name=parse(ItemIn).name), 201)

        @app.get("/items/<int:item_id>")
        def item(item_id):
            return reply(ItemOut.of("rope"))

        @app.delete("/items/<int(min=1, max=9):number>")
        def remove(number):
            return "", 204

        @app.post("/search")
        def search():
            return jsonify(q=Search(**request.form).q)

        @app.post("/opaque")
        def opaque():
            return reply(validation.read_body(Opaque))

        @app.get("/named")
        def named():
            return reply(ItemOut.names(), status=len("xxx"))

        app.add_url_rule("/shelves/<any(top, 'low'):shelf>", view_func=Shelf.as_view("shelf"))
        app.add_url_rule("/files/<path:name>", "files", lambda name: name)
        return app
    '''


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    root = project(tmp_path_factory.mktemp("openapi") / "app", {"shop.py": SHOP}, more=NO_TOOLS)
    ran = seatrial(root, "routes", "--openapi", "openapi.json")
    assert ran.code == 0, ran.out + ran.err
    assert "paths with 6 models written to openapi.json" in ran.out
    found: dict[str, Any] = json.loads((root / "openapi.json").read_text())
    return found


def reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def answer(operation: dict[str, Any], status: str) -> Any:
    return operation["responses"][status]["content"]["application/json"]["schema"]


def test_the_document_is_valid(written: dict[str, Any]) -> None:
    validate(written)
    with pytest.raises(OpenAPIValidationError):
        validate(written | {"info": {}})
    assert written["info"] == {"title": "corner shop", "version": "0"}


def test_bodies_queries_and_answers_are_the_models_that_the_view_names(written: dict[str, Any]) -> None:
    items = written["paths"]["/items"]
    assert items["get"]["parameters"][0]["schema"] == reference("Search")
    assert answer(items["get"], "200") == {"type": "array", "items": reference("ItemOut")}
    assert items["post"]["requestBody"]["content"] == {"application/json": {"schema": reference("ItemIn")}}
    assert answer(items["post"], "201") == reference("ItemOut")
    assert answer(items["post"], "400") == reference("ErrorEnvelope")
    form = written["paths"]["/search"]["post"]["requestBody"]["content"]
    assert form == {"application/x-www-form-urlencoded": {"schema": reference("Search")}}
    put = written["paths"]["/shelves/{shelf}"]["put"]
    assert put["requestBody"]["content"] == {"application/json": {"schema": reference("ItemIn")}}
    assert (put["summary"], put["description"]) == ("Replace a shelf.", "All of it.")
    assert written["components"]["schemas"]["ItemIn"]["properties"]["name"]["maxLength"] == 40


def test_what_the_source_does_not_tell_is_left_out(written: dict[str, Any]) -> None:
    assert "requestBody" not in written["paths"]["/opaque"]["post"]
    assert set(written["components"]["schemas"]) == {
        "ItemIn", "ItemOut", "Search", "ErrorEnvelope", "ErrorBody", "JsonValue",
    }  # fmt: skip
    assert all("content" not in one for one in written["paths"]["/named"]["get"]["responses"].values())


def test_parameters_are_what_the_converters_read(written: dict[str, Any]) -> None:
    [one] = written["paths"]["/items/{item_id}"]["get"]["parameters"]
    assert (one["name"], one["schema"]) == ("item_id", {"type": "integer", "minimum": 0})
    [other] = written["paths"]["/items/{item_id}"]["delete"]["parameters"]
    assert (other["name"], other["schema"]) == ("item_id", {"type": "integer", "minimum": 1, "maximum": 9})
    [shelf] = written["paths"]["/shelves/{shelf}"]["get"]["parameters"]
    assert shelf["schema"] == {"enum": ["top", "low"]}
    [name] = written["paths"]["/files/{name}"]["get"]["parameters"]
    assert name["description"] == "May hold slashes."


@pytest.mark.parametrize(
    ("rule", "schema"),
    [
        ("/<float:x>", {"type": "number", "minimum": 0}),
        ("/<int(signed=True):x>", {"type": "integer"}),
        ("/<uuid:x>", {"type": "string", "format": "uuid"}),
        ("/<x>", {"type": "string", "minLength": 1}),
        ("/<string(length=2):x>", {"type": "string", "minLength": 2, "maxLength": 2}),
        ("/<string(minlength=2, maxlength=9):x>", {"type": "string", "minLength": 2, "maxLength": 9}),
        ("/<sku:x>", {"type": "string"}),
    ],
)
def test_converters(rule: str, schema: dict[str, Any]) -> None:
    found = document(Inventory((Route("GET", rule, "page"),)), Contracts("shop", "session", {}, {}), {})
    [one] = found["paths"]["/{x}"]["get"]["parameters"]
    assert one["schema"] == schema
    assert one.get("description", "") == ("Read by the app's own converter sku." if "sku" in rule else "")
    validate(found)


def test_two_rules_of_one_path_and_two_endpoints_of_one_name_stay_valid() -> None:
    rules = ("/<int:id>", "/<slug>", "/a/<x>", "/b/<x>")
    routes = tuple(Route("GET", rule, "page", arguments=()) for rule in rules)
    found = document(Inventory(routes), Contracts("shop", "session", {"GET /<int:id> page": Contract("One.")}, {}), {})
    validate(found)
    assert found["paths"]["/{id}"]["get"]["x-seatrial-also"] == ["/<slug> page"]
    ids = [methods["get"]["operationId"] for methods in found["paths"].values()]
    assert ids == ["page_get", "page_get_2", "page_get_3"]


def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    root = project(tmp_path / "app", {"shop.py": SHOP}, more=NO_TOOLS)
    ran = seatrial(root, "routes", "--openapi", "shop.py/openapi.json")
    assert ran.code == 2
    assert "--openapi" in ran.err
