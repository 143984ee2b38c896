"""`assert_thin_route` in a team's tests: which service the route called, what else, and what it made of the result."""

import textwrap

import pytest

FILES = {
    "shop/__init__.py": """
        from flask import Flask
        from shop.routes import bp
        from shop.views import Items

        def create_app():
            app = Flask(__name__)
            app.register_blueprint(bp)
            app.add_url_rule("/class/items", view_func=Items.as_view("class_items"))
            return app
        """,
    "shop/services/__init__.py": "",
    "shop/services/items.py": """
        from dataclasses import dataclass

        @dataclass
        class Item:
            name: str

            def shown(self):
                return self.name.upper()

        class Refused(Exception):
            def __init__(self, why):
                super().__init__(why)
                self.why = why

        def all_items(limit):
            return [Item(helper(limit))]

        def helper(limit):
            return f"real {limit}"

        class Stock:
            def count(self):
                return 7
        """,
    "shop/services/audit.py": "def record(what):\n    return what\n",
    "shop/routes.py": """
        from flask import Blueprint, jsonify
        from sqlalchemy import create_engine, text
        from shop.services import audit
        from shop.services.items import Refused, Stock, all_items as items_of

        bp = Blueprint("items", __name__)
        engine = create_engine("sqlite://")

        @bp.get("/items")
        def index():
            try:
                return jsonify([item.shown() for item in items_of(10)])
            except Refused as refused:
                return jsonify(error=refused.why), 409

        @bp.get("/noisy")
        def noisy():
            audit.record("seen")
            return jsonify([item.shown() for item in items_of(10)])

        @bp.get("/querying")
        def querying():
            with engine.connect() as connection:
                connection.execute(text("select 1"))
            return jsonify([item.shown() for item in items_of(10)])

        @bp.get("/deaf")
        def deaf():
            return jsonify(["RIESLING"])

        @bp.get("/count")
        def count():
            return str(Stock().count())
        """,
    "shop/views.py": """
        from flask import jsonify
        from flask.views import MethodView
        from shop.services import items

        class Items(MethodView):
            def get(self):
                return jsonify([item.name for item in items.all_items(3)])
        """,
    "conftest.py": """
        import pytest
        from shop import create_app

        @pytest.fixture
        def client():
            return create_app().test_client()
        """,
    "test_team.py": """
        import pytest
        from shop.services.items import Item, Refused, Stock, all_items

        CALLS = {"calls": "shop.services.items:all_items", "returning": [Item("riesling")], "answers": ["RIESLING"]}

        def test_sound(client, assert_thin_route):
            assert assert_thin_route(client, "GET /items", **CALLS).status_code == 200
            assert_thin_route(client, "GET /items", **{**CALLS, "calls": all_items, "answers": "RIESLING"})
            assert client.get("/items").get_json() == ["REAL 10"]  # put back

        def test_an_exception_is_mapped_too(client, assert_thin_route):
            assert_thin_route(client, "GET /items", **{**CALLS, "returning": Refused("closed"),
                              "answers": lambda response: response.status_code == 409})

        def test_methods_and_classes(client, assert_thin_route):
            assert_thin_route(client, "GET /class/items", **{**CALLS, "answers": ["riesling"]})
            assert_thin_route(client, "GET /count", calls=Stock.count, returning=3, answers="3")

        def test_another_service(client, assert_thin_route):
            assert_thin_route(client, "GET /noisy", **CALLS)

        def test_a_query(client, assert_thin_route):
            assert_thin_route(client, "GET /querying", **CALLS)

        def test_no_call(client, assert_thin_route):
            assert_thin_route(client, "GET /deaf", **CALLS)

        def test_another_answer(client, assert_thin_route):
            assert_thin_route(client, "GET /items", **{**CALLS, "answers": ["CHARDONNAY"]})

        def test_no_route(client, assert_thin_route):
            assert_thin_route(client, "GET /nowhere", **CALLS)

        def test_nothing_to_hold_it_to(client, assert_thin_route):
            with pytest.raises(ValueError, match="needs answers"):
                assert_thin_route(client, "GET /items", calls=all_items)
        """,
}


@pytest.fixture
def told(harbour, tmp_path):
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    return harbour.pytest(tmp_path, "-W", "error", "-rN", "--tb=short")


def said(told, test):
    return told.out.partition(f"_ {test} _")[2].partition("\n___")[0]


def test_thin_routes_pass_and_every_fault_is_named_once(told):
    assert "5 failed, 4 passed" in told.out, told.out
    assert "besides it called shop.services.audit:record (routes.py:" in said(told, "test_another_service")
    assert "is not what" not in said(told, "test_another_service")
    assert "by itself" not in said(told, "test_another_service")
    assert "it sent 1 statement by itself: line" in said(told, "test_a_query")
    assert "it never called shop.services.items:all_items" in said(told, "test_no_call")
    assert "is not what shop.services.items:all_items returned, mapped" in said(told, "test_another_answer")
    assert "besides" not in said(told, "test_another_answer")
    assert "GET /nowhere: no route of the app answers it (NotFound)" in said(told, "test_no_route")
