"""Views and their URLs, found in every way that Flask offers to bind them; held against the real url map."""

import importlib
import sys
from pathlib import Path

import pytest
from support import project

from seatrial.source.bindings import Map, bindings
from seatrial.source.project import Project

APP = {
    "shop/__init__.py": """
        from flask import Flask
        from shop import admin, api, classes, factories, loops, rules
        from shop.admin.users import users as users_bp

        def create_app():
            app = Flask(__name__)

            @app.get("/")
            def home():
                return "home"

            app.register_blueprint(api.bp)
            app.register_blueprint(admin.bp, url_prefix="/back")
            app.register_blueprint(factories.make_bp("x"))
            for module in (rules, classes):
                app.register_blueprint(module.bp)
            for bp, prefix in [(loops.first, "/one"), (loops.second, "/two")]:
                app.register_blueprint(bp, url_prefix=prefix)
            return app
        """,
    "shop/api.py": """
        from flask import Blueprint
        PREFIX = "/api"
        bp = Blueprint("api", __name__, url_prefix=PREFIX + "/v1")

        @bp.route("/items", methods=["GET", "POST"])
        def items():
            return ""

        @bp.put("/items/<int:item_id>", endpoint="replace")
        def put_item(item_id):
            return ""
        """,
    "shop/admin/__init__.py": """
        from flask import Blueprint
        from shop.admin.users import users
        bp = Blueprint("admin", __name__, url_prefix="/admin")
        bp.register_blueprint(users, url_prefix="/people")

        @bp.get("/")
        def index():
            return ""
        """,
    "shop/admin/users.py": """
        from flask import Blueprint
        users = Blueprint("users", __name__, url_prefix="/users")

        @users.get("/")
        def index():
            return ""

        @users.delete("/<int:user_id>")
        def remove(user_id):
            return ""
        """,
    "shop/factories.py": """
        from flask import Blueprint

        def make_bp(name):
            bp = Blueprint("made", __name__, url_prefix="/made")

            @bp.get("/inside")
            def inside():
                return ""

            return bp
        """,
    "shop/loops.py": """
        from flask import Blueprint
        first, second = Blueprint("first", __name__), Blueprint("second", __name__)
        first = Blueprint("first", __name__)
        second = Blueprint("second", __name__)

        @first.get("/here")
        def here():
            return ""

        @second.get("/there")
        def there():
            return ""
        """,
    "shop/rules.py": """
        from functools import wraps
        from flask import Blueprint
        from shop.work import report as make_report
        bp = Blueprint("rules", __name__)

        def guarded(view):
            @wraps(view)
            def checked(*args, **kwargs):
                return view(*args, **kwargs)
            return checked

        def plain():
            return ""

        def other():
            return ""

        bp.add_url_rule("/plain", view_func=plain)
        bp.add_url_rule("/report", "report", guarded(make_report), methods=["POST"])
        for rule, view in [("/loop/a", plain), ("/loop/b", other)]:
            bp.add_url_rule(rule, view_func=view)
        """,
    "shop/work.py": """
        def report():
            return ""
        """,
    "shop/classes.py": """
        from flask import Blueprint
        from flask.views import MethodView, View
        bp = Blueprint("classes", __name__)

        class Base(MethodView):
            def get(self):
                return ""

        class Items(Base):
            pass

        class Orders(MethodView):
            def get(self):
                return ""

            def post(self):
                return ""

        class Page(View):
            methods = ["GET"]

            def dispatch_request(self):
                return ""

        bp.add_url_rule("/inherited", view_func=Items.as_view("items"), endpoint="items")
        orders = Orders.as_view("orders")
        bp.add_url_rule("/orders", endpoint="orders", view_func=orders)
        bp.add_url_rule("/page", endpoint="page", view_func=Page.as_view("page"))
        """,
}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return project(tmp_path / "app", APP, config="")


def read(root: Path) -> Map:
    return bindings(Project.read(root))


def test_the_source_tells_what_flask_binds(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(shop))
    for name in [name for name in sys.modules if name.partition(".")[0] == "shop"]:
        monkeypatch.delitem(sys.modules, name)
    app = importlib.import_module("shop").create_app()
    served = {
        (rule.endpoint, rule.rule, method)
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if rule.endpoint != "static"
    }
    mapped = read(shop)
    told = {(one.endpoint, one.rule, method) for one in mapped.bound for method in one.methods}
    assert sorted(told) == sorted(served)
    assert mapped.opaque == ""
    for name in [name for name in sys.modules if name.partition(".")[0] == "shop"]:
        monkeypatch.delitem(sys.modules, name)


def test_every_view_has_its_function(shop: Path) -> None:
    found = {one.endpoint: [f"{m.name}:{f.qualname}" for m, f in one.views] for one in read(shop).bound}
    assert found["home"] == ["shop:create_app.<locals>.home"]
    assert found["admin.users.remove"] == ["shop.admin.users:remove"]
    assert found["made.inside"] == ["shop.factories:make_bp.<locals>.inside"]
    assert found["rules.report"] == ["shop.work:report"]
    assert found["classes.items"] == ["shop.classes:Base.get"]
    assert found["classes.orders"] == ["shop.classes:Orders.get", "shop.classes:Orders.post"]
    assert found["classes.page"] == ["shop.classes:Page.dispatch_request"]


BLUEPRINT = "from flask import Blueprint\nbp = Blueprint('a', __name__, url_prefix='/a')\n"


def one(tmp_path: Path, text: str, **more: str) -> Map:
    files = {"app.py": text} | {f"{name}.py": other for name, other in more.items()}
    return read(project(tmp_path / "one", files, config=""))


def test_what_cannot_be_told_is_said(tmp_path: Path) -> None:
    mapped = one(
        tmp_path,
        """
        import importlib
        from flask import Flask
        app = Flask(__name__)
        for name in ("items", "orders"):
            app.register_blueprint(importlib.import_module(f"shop.{name}").bp)
        """,
    )
    assert "registers a blueprint by another name" in mapped.opaque
    mapped = one(tmp_path, "from admin import library\nlibrary.add_view(x)\n")
    assert "adds views of a library" in mapped.opaque


def test_a_variable_that_is_given_twice_keeps_its_earlier_views(tmp_path: Path) -> None:
    mapped = one(
        tmp_path,
        """
        from flask import Blueprint, Flask
        bp = Blueprint("items", __name__, url_prefix="/api/items")

        @bp.get("/")
        def lost():
            return ""

        bp = Blueprint("items", __name__)

        @bp.get("/found")
        def found():
            return ""

        Flask(__name__).register_blueprint(bp)
        """,
    )
    assert {(b.endpoint, b.rule, b.registered) for b in mapped.bound} == {
        ("items.lost", None, False),
        ("items.found", "/found", True),
    }


def test_a_blueprint_that_is_registered_in_two_places_has_no_certain_url(tmp_path: Path) -> None:
    text = BLUEPRINT + "@bp.get('/x')\ndef x():\n    return ''\napp.register_blueprint(bp, url_prefix='/b')\n"
    assert [b.rule for b in one(tmp_path, text).bound] == ["/b/x"]
    assert [b.rule for b in one(tmp_path, text + "app.register_blueprint(bp)\n").bound] == [None]


def test_decorators_of_other_libraries_bind_nothing(tmp_path: Path) -> None:
    mapped = one(
        tmp_path,
        """
        import cache, responses

        @cache.get("key")
        def a():
            return ""

        @responses.post(make_url())
        def b():
            return ""
        """,
    )
    assert mapped.bound == []
