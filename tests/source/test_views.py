"""What is read in a view: logic, calls to other machines, bodies, providers."""

import textwrap
from pathlib import Path

import pytest
from support import project

from seatrial.model.findings import Place
from seatrial.model.inventory import Route
from seatrial.model.structure import BRANCH, CALCULATION, LOOP, QUERY, WRITE, Caller, View
from seatrial.source.live import Live
from seatrial.source.structure import Survey, Wanted

HEAD = """
from flask import Blueprint, abort, flash, jsonify, redirect, render_template, request, session
from flask_login import current_user
import json
bp = Blueprint("shop", __name__)

"""


def survey(tmp_path: Path, view: str, **files: str) -> Survey:
    text = HEAD + textwrap.dedent(view)
    more = {f"{name.replace('__', '/')}.py": other for name, other in files.items()}
    root = project(tmp_path / "shop", more, config="")
    (root / "routes").mkdir()
    (root / "routes" / "shop.py").write_text(text)
    return Survey(root, Wanted())


def view_of(tmp_path: Path, body: str, **files: str) -> View:
    text = "@bp.route('/x', methods=['GET', 'POST'])\ndef view():\n" + textwrap.indent(textwrap.dedent(body), "    ")
    [view] = survey(tmp_path, text, **files).structure().views
    return view


LOGIC = {
    "nothing": ("return render_template('x.html', page=shop.page(request.args.get('q', '')))", []),
    "a guard on the input": ("if not request.form.get('name'):\n    flash('no')\n    return '', 400\nreturn ''", []),
    "a branch on parsed input": (
        "data = request.get_json()\nname = data['name']\nif name:\n    shop.rename(name)\nreturn ''",
        [],
    ),
    "the method": ("if request.method == 'POST':\n    shop.save()\nreturn ''", []),
    "an answer that is chosen": ("page = shop.page()\nif page is None:\n    abort(404)\nreturn page", []),
    "a shape per thing": ("return jsonify([shape(item) for item in shop.items()])", []),
    "flashes in a loop": ("for error in form.errors:\n    flash(error)\nreturn ''", []),
    "Flask's own session": ("session['theme'] = request.args['t']\nreturn session.get('theme')", []),
    "text that is put together": ("return 'a' + name + f'{x}' + str(2)", []),
    "constants": ("limit = 60 * 60\nreturn str(limit)", []),
    "a branch on the domain": ("item = shop.item()\nif item.left < 3:\n    shop.order(item)\nreturn ''", [BRANCH]),
    "an organisation of the visitor": ("if current_user.organization.tier:\n    shop.a()\nreturn ''", [BRANCH]),
    "the visitor": ("if current_user.is_authenticated:\n    shop.a()\nreturn ''", []),
    "a loop": ("for item in shop.items():\n    shop.touch(item)\nreturn ''", [LOOP]),
    "a default": ("item = shop.item()\nreturn render_template('x', name=item.name if item.name else '-')", []),
    "a choice": ("item = shop.item()\nreturn render_template('x', n=item.a if item.b else item.c)", [BRANCH]),
    "a filter": ("return jsonify([i.name for i in shop.items() if i.left])", [LOOP]),
    "a branch in a loop": (
        "for key in request.form:\n    if key:\n        shop.a(key)\nreturn ''",
        [LOOP, BRANCH],
    ),
    "match": (
        "match shop.state():\n    case 'a':\n        shop.a()\n    case 'b':\n        shop.b()\nreturn ''",
        [BRANCH],
    ),
    "elif": ("x = shop.x()\nif x == 1:\n    shop.a()\nelif x == 2:\n    shop.b()\nreturn ''", [BRANCH, BRANCH]),
    "a sum": ("total = shop.a() + shop.b() - 1\nreturn render_template('x', total=total)", [CALCULATION]),
    "a counter": ("n = 0\nn += shop.a()\nreturn render_template('x', n=n)", [CALCULATION]),
    "a query": ("return render_template('x', rows=Item.query.filter_by(a=1).order_by('b').all())", [QUERY]),
    "a statement": ("return render_template('x', rows=db.session.scalars(select(Item)).all())", [QUERY]),
    "a write": ("db.session.add(Item())\ndb.session.commit()\nreturn ''", [WRITE, WRITE]),
    "a bulk delete": ("Item.query.filter_by(a=1).delete()\nreturn ''", [WRITE]),
}


@pytest.mark.parametrize("name", LOGIC)
def test_what_counts_as_logic(tmp_path: Path, name: str) -> None:
    body, expected = LOGIC[name]
    assert sorted(piece.kind for piece in view_of(tmp_path, body).logic) == sorted(expected)


OUTSIDE = {
    "plain": ("import requests", "requests.post('https://x')", "requests"),
    "renamed": ("import requests as r", "r.get('https://x')", "requests"),
    "a name of it": ("from httpx import get as fetch", "fetch('https://x')", "httpx"),
    "a client in a variable": ("import requests\nhttp = requests.Session()", "http.get('https://x')", "requests"),
    "a client of another module": ("from extensions import http", "http.get('https://x')", "requests"),
    "a client in the view": ("import boto3", "s3 = boto3.client('s3')\n    s3.put_object()", "boto3"),
    "a server of mail": ("import smtplib", "with smtplib.SMTP('x') as s:\n        s.sendmail()", "smtplib"),
    "urllib": ("from urllib.request import urlopen", "urlopen('https://x')", "urllib.request"),
    "Flask-Mail": ("from extensions import mail", "mail.send(message)", "flask_mail"),
    "stripe": ("import stripe", "stripe.checkout.Session.create()", "stripe"),
    "google": ("from google.oauth2 import id_token", "id_token.verify_oauth2_token(t, r)", "google.oauth2"),
    "a helper": ("from helpers import fetch", "fetch()", "requests"),
    "a helper of a helper": ("from helpers import twice", "twice()", "requests"),
    "checking a signature": ("import stripe", "stripe.Webhook.construct_event(p, s, k)", ""),
    "an extension that is set up": ("from extensions import mail", "mail.init_app(app)", ""),
    "an exception": ("import requests", "raise requests.ConnectionError('no')", ""),
    "what came back": ("import work", "answer = work.ask()\n    answer.json()", ""),
    "a service": ("from services.portal import notify", "notify()", ""),
    "urllib.parse": ("from urllib.parse import urlencode", "urlencode({})", ""),
    "a package of the app's own": ("from app.requests import post", "post()", ""),
}
EXTENSIONS = "import requests\nfrom flask_mail import Mail\nhttp = requests.Session()\nmail = Mail()\n"
HELPERS = "import requests\ndef fetch():\n    return requests.get('https://x')\ndef twice():\n    return fetch()\n"
SERVICE = "import requests\ndef notify() -> None:\n    requests.get('https://x')\n"


@pytest.mark.parametrize("name", OUTSIDE)
def test_calls_to_other_machines(tmp_path: Path, name: str) -> None:
    imports, call, package = OUTSIDE[name]
    caller = caller_of(tmp_path, f"{imports}\n\n@bp.get('/x')\ndef view():\n    {call}\n    return ''\n")
    assert {one.package for one in caller.calls} == ({package} if package else set())


def caller_of(tmp_path: Path, view: str, live: Live | None = None) -> Caller:
    files = {
        "extensions": EXTENSIONS,
        "helpers": HELPERS,
        "services__portal": SERVICE,
        "app__requests": "post = print\n",
    }
    found = survey(tmp_path, view, **files).structure(live).callers
    return next(caller for caller in found if caller.subject == "routes.shop:view")


def test_a_package_that_a_module_of_the_apps_own_hands_on(tmp_path: Path) -> None:
    text = "from vendor import requests, post\n@bp.get('/x')\ndef view():\n    requests.get('x')\n    post('x')\n"
    found = survey(tmp_path, text, vendor="import requests\nfrom httpx import post\n").structure().callers
    assert [call.package for caller in found for call in caller.calls] == ["requests", "httpx"]


def test_a_call_that_was_seen_belongs_to_the_function_around_its_line(tmp_path: Path) -> None:
    text = "@bp.get('/x')\ndef view():\n    return plugin.work()\n"
    line = (HEAD + text).splitlines().index("    return plugin.work()") + 1
    route = Route(
        "GET", "/x", "shop.view", "shop", view="routes.shop:view", module_path="routes/shop.py", line=line - 1
    )
    seen = ((Place("routes/shop.py", line), "api.example"), (Place("helpers.py", 3), "other.example"))
    [call] = caller_of(tmp_path, text, Live((route,), frozenset({"shop.view"}), outbound=seen)).calls
    assert (call.package, call.observed) == ("api.example", True)


BODIES = {
    "a form by hand": ("shop.save(request.form['name'])", ["request.form"], ""),
    "JSON by hand": ("data = request.get_json()\nshop.save(data['a'])", ["request.get_json"], ""),
    "raw bytes that are parsed here": ("data = json.loads(request.get_data())", ["request.get_data"], ""),
    "raw bytes that are handed on": ("shop.receive(request.get_data())", [], ""),
    "the query": ("shop.search(request.args['q'])", [], ""),
    "a form": (
        "form = ItemForm()\nif form.validate_on_submit():\n    shop.save(request.form)",
        ["request.form"],
        "ItemForm",
    ),
    "a form that nobody asks": ("form = ItemForm()\nshop.save(request.form)", ["request.form"], ""),
    "pydantic": ("Item.model_validate(request.json)", ["request.json"], "Item.model_validate"),
    "a model that is called": ("from models import Item\nItem(**request.json)", ["request.json"], "Item"),
    "a dataclass that is called": ("from models import Plain\nPlain(**request.json)", ["request.json"], ""),
    "marshmallow": ("ItemSchema().load(request.json)", ["request.json"], "ItemSchema().load"),
    "json.loads is no schema": ("json.loads(request.data)", ["request.data"], ""),
}
MODELS = """
    from pydantic import BaseModel
    class Base(BaseModel):
        pass
    class Item(Base):
        a: int
    class Plain:
        a: int
    """


@pytest.mark.parametrize("name", BODIES)
def test_bodies(tmp_path: Path, name: str) -> None:
    body, reads, validated = BODIES[name]
    view = view_of(tmp_path, body + "\nreturn ''", models=MODELS)
    assert ([piece.what for piece in view.body], view.validated) == (reads, validated)


@pytest.mark.parametrize(
    ("answer", "by_hand"),
    [
        ("return jsonify({'id': item.id})", True),
        ("return jsonify(id=item.id)", True),
        ("return {'id': item.id}, 201", True),
        ("return jsonify(ok=True)", False),
        ("return jsonify(page)", False),
        ("return jsonify(ItemOut.of(item).model_dump())", False),
        ("return {'status': 'ok', 'parts': [1, 2]}", False),
    ],
)
def test_json_by_hand(tmp_path: Path, answer: str, by_hand: bool) -> None:
    assert bool(view_of(tmp_path, answer).handmade) is by_hand


GATEWAY = """
    import smtplib
    class Smtp:
        def send(self, to):
            smtplib.SMTP('x').sendmail(to)
        def _connect(self):
            pass
    default = Smtp()
    """
PORT = "from typing import Protocol\nclass Mailer(Protocol):\n    def send(self, to): ...\n"


@pytest.mark.parametrize(
    ("imports", "call", "named"),
    [
        ("from gateway import Smtp", "Smtp().send('a')", True),
        ("import gateway", "gateway.Smtp().send('a')", True),
        ("from gateway import default", "default.send('a')", True),
        ("from flask import current_app", "current_app.extensions['mailer'].send('a')", False),
    ],
)
def test_providers_and_their_ports(tmp_path: Path, imports: str, call: str, named: bool) -> None:
    text = f"{imports}\n@bp.get('/x')\ndef view():\n    {call}\n    return ''\n"
    for files, port in (({}, ""), ({"ports": PORT}, "ports:Mailer")):
        found = survey(tmp_path / (port or "none"), text, gateway=GATEWAY, **files).structure().views[0].providers
        assert [(p.name, p.package, p.methods, p.port) for p in found] == (
            [("gateway:Smtp", "smtplib", ("send",), port)] if named else []
        )


def test_the_built_app_has_the_last_word_on_what_is_a_view(tmp_path: Path) -> None:
    text = "@bp.get('/a')\ndef a():\n    return ''\n\ndef late():\n    return ''\n\n"
    text += "@bp.get('/gone')\ndef gone():\n    return ''\n"
    line = (HEAD + text).splitlines().index("def late():") + 1
    routes = (
        Route("GET", "/a", "shop.a", "shop", view="routes.shop:a", module_path="routes/shop.py", line=7),
        Route("GET", "/late", "late", "", view="routes.shop:late", module_path="routes/shop.py", line=line),
        Route("GET", "/made", "made", "", view="routes.shop:<lambda>", module_path="routes/shop.py", line=99),
        Route("GET", "/static", "static", "", view="flask.app:Flask.send_static_file"),
    )
    read = survey(tmp_path, text).structure(Live(routes, frozenset(r.endpoint for r in routes)))
    assert [(view.subject, bool(view.unseen)) for view in read.views] == [
        ("routes.shop:a", False),
        ("routes.shop:late", False),
        ("endpoint made", True),
    ]
    assert any("without source: made; not in it: shop.gone" in note for note in read.notes)
