"""`url_for` in code and templates, held against the source and against the built app."""

from pathlib import Path

import pytest
from support import project

from seatrial.model.inventory import Route
from seatrial.source.live import Live
from seatrial.source.structure import Survey, Wanted

APP = """
    from flask import Blueprint, Flask, current_app, url_for
    bp = Blueprint("items", __name__)

    @bp.get("/")
    def index():
        {code}
        return ""

    @bp.get("/detail")
    def detail():
        return ""

    app = Flask(__name__)
    app.register_blueprint(bp)
    """


def links(tmp_path: Path, code: str = "pass", template: str = "", live: Live | None = None, **files: str):
    more = {f"{name}.py": text for name, text in files.items()}
    root = project(tmp_path / "app", {"app.py": APP.format(code=code), **more}, config="")
    if template:
        (root / "templates").mkdir(exist_ok=True)
        (root / "templates" / "page.html").write_text(template)
    found = Survey(root, Wanted()).structure(live).files
    return [(link.endpoint, link.known) for file in found for link in file.links], [f.unseen for f in found if f.unseen]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("url_for('items.index')", [("items.index", True)]),
        ("url_for('items.gone')", [("items.gone", False)]),
        ("url_for(endpoint='items.gone')", [("items.gone", False)]),
        ("current_app.url_for('items.gone')", [("items.gone", False)]),
        ("url_for('items.gone').replace('a', 'b')", [("items.gone", False)]),
        ("url_for('items.index' if x else 'items.gone')", [("items.index", True), ("items.gone", False)]),
        ("url_for('nowhere')", [("nowhere", False)]),
        ("url_for('admin.index')", [("admin.index", None)]),
        ("url_for('static', filename='a.css')", [("static", True)]),
        ("url_for('items.static', filename='a.css')", [("items.static", True)]),
        ("url_for('.gone')", []),
        ("url_for(f'items.{name}')", []),
        ("url_for('items.' + name)", []),
        ("url_for(name)", []),
        ("try:\n            url_for('items.gone')\n        except BuildError:\n            pass", []),
        (
            "try:\n            x()\n        except BuildError:\n            url_for('items.gone')",
            [("items.gone", False)],
        ),
        ("if 'items.gone' in current_app.view_functions:\n            url_for('items.gone')", []),
        ("store.url_for('bucket.key')", []),
    ],
)
def test_in_code(tmp_path: Path, code: str, expected: list[tuple[str, bool | None]]) -> None:
    assert links(tmp_path, code)[0] == expected


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ url_for('items.detail', id=1) }}", [("items.detail", True)]),
        (
            "{% if printer %}{% for i in x %}<a href=\"{{ url_for('items.gone') }}\">{% endfor %}{% endif %}",
            [("items.gone", False)],
        ),
        ("{% macro m() %}{{ url_for('items.gone')|e }}{% endmacro %}", [("items.gone", False)]),
        ("{% trans %}x{% endtrans %}{% do a.append(url_for('items.gone')) %}", [("items.gone", False)]),
        ("{{ url_for('items.index' if a else 'items.gone') }}", [("items.index", True), ("items.gone", False)]),
        ("{{ url_for('items.' ~ name) }}{{ url_for(name) }}{{ url_for('.gone') }}", []),
        ("{# url_for('items.gone') #}", []),
        ("{% if 'items.gone' in current_app.view_functions %}{{ url_for('items.gone') }}{% endif %}", []),
        ("{% if a %}{% else %}{{ url_for('items.gone') }}{% endif %}", [("items.gone", False)]),
    ],
)
def test_in_templates(tmp_path: Path, template: str, expected: list[tuple[str, bool | None]]) -> None:
    assert links(tmp_path, template=template)[0] == expected


def test_a_template_that_jinja_cannot_parse_is_named(tmp_path: Path) -> None:
    found, unseen = links(tmp_path, template="\n{% url_for 'x' %}")
    assert found == []
    assert unseen == ["the template cannot be read (line 2: Encountered unknown tag 'url_for'.)"]


def test_the_built_app_decides(tmp_path: Path) -> None:
    route = Route("GET", "/", "items.index", "items", view="app:index", module_path="app.py", line=4)
    live = Live((route,), frozenset({"items.index", "admin.index"}))
    assert links(tmp_path, "url_for('admin.index')", live=live)[0] == [("admin.index", True)]
    assert links(tmp_path, "url_for('items.detail')", live=live)[0] == [("items.detail", False)]
    answering = Live((route,), frozenset(), answers_unknown=True)
    assert "url_build_error_handlers" in links(tmp_path, "url_for('x.y')", live=answering)[1][0]


def test_a_url_for_of_the_apps_own_is_not_flasks(tmp_path: Path) -> None:
    code = "pass"
    helper = "def url_for(name):\n    return name\n"
    user = "from helper import url_for\nurl_for('items.gone')\n"
    again = "from flask import url_for\n"
    passed_on = "from again import url_for\nurl_for('items.gone')\n"
    assert links(tmp_path, code, helper=helper, user=user, again=again, passed=passed_on)[0] == [("items.gone", False)]
