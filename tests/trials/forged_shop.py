"""A shop with every kind of defence against forged requests, and every kind of hole in one."""

import functools
import hmac
import secrets

from flask import Blueprint, Flask, abort, jsonify, redirect, render_template_string, request, session
from flask.views import MethodView
from flask_seasurf import SeaSurf
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect, FlaskForm
from flask_wtf.csrf import validate_csrf
from wtforms import StringField
from wtforms.validators import ValidationError

db = SQLAlchemy()
FORM = """<form method="post"><input type="hidden" name="csrf_token" value="{{ csrf_token() }}"></form>"""


class Note(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    text = db.Column(db.String(40))


class NoteForm(FlaskForm):
    text = StringField()


def write():
    db.session.add(Note(text="written"))
    db.session.commit()
    return redirect("/")


def careless(view):
    def wrapper(*args, **kwargs):
        return view(*args, **kwargs)

    return wrapper


def json_only(view):
    @functools.wraps(view)
    def wrapper(*args, **kwargs):
        if not request.is_json:
            abort(415)
        return view(*args, **kwargs)

    return wrapper


class Items(MethodView):
    def post(self):
        return write()

    def put(self):
        return write()


def shop(config):
    app = Flask(__name__)
    app.config.update(config or {})
    db.init_app(app)
    return app


def create_app(config=None):
    """Flask-WTF in front of everything, with holes."""
    app = shop(config)
    csrf = CSRFProtect(app)
    app.add_url_rule("/", "home", lambda: render_template_string(FORM))
    app.add_url_rule("/plain", "plain", write_as("plain"), methods=["POST", "PUT", "PATCH", "DELETE"])
    app.add_url_rule("/careless", "careless", careless(write_as("behind")), methods=["POST"])
    app.add_url_rule("/json", "json", json_only(write_as("json")), methods=["POST"])
    app.add_url_rule("/items", view_func=Items.as_view("items"))
    app.add_url_rule("/exempt", "exempt", csrf.exempt(write_as("exempt")), methods=["POST"])
    app.add_url_rule("/exempt-json", "exempt_json", csrf.exempt(json_only(write_as("exempt_json"))), methods=["POST"])

    @app.post("/in-body")
    @csrf.exempt
    def in_body():
        try:
            validate_csrf(request.headers.get("X-CSRFToken"))
        except ValidationError:
            abort(403)
        return write()

    @app.post("/in-body-half")
    @csrf.exempt
    def in_body_half():
        if not request.headers.get("X-CSRFToken"):  # asks for a token, and takes any
            abort(403)
        return write()

    @app.post("/broken")
    def broken():
        return jsonify(request.get_json()["no such key"])

    @app.post("/sleepy")
    def sleepy():
        return "", 204

    @app.post("/hook")
    @csrf.exempt
    def hook():
        return write()

    @app.before_request
    def refuse():
        if request.path == "/sleepy":
            abort(400)  # of everything, so that nothing is known of its protection

    @app.get("/me")
    def me():
        if request.headers.get("Authorization") != "Bearer x":
            abort(401)
        return "robot"

    @app.get("/account")
    def account():
        if not session.get("user_id"):
            abort(401)
        return "visitor"

    @app.get("/logout")
    @app.post("/logout")
    def logout():
        session.clear()
        return write()

    return app


def with_token(client):
    client.environ_base["HTTP_AUTHORIZATION"] = "Bearer x"


def with_token_beside_cookies(client):
    with_token(client)
    client.set_cookie("theme", "dark")


def with_cookie_beside_header(client):
    with client.session_transaction(base_url="https://localhost") as kept:
        kept["user_id"] = "1"
    client.environ_base["HTTP_X_TRACE"] = "trial"


def write_as(name):
    def view():
        return write()

    view.__name__ = name
    return view


def create_forms_app(config=None):
    """Only the forms check."""
    app = shop(config)
    app.add_url_rule("/", "home", lambda: render_template_string("{{ form.csrf_token }}", form=NoteForm()))

    @app.route("/note", methods=["GET", "POST"])
    def note():
        form = NoteForm()
        if form.validate_on_submit():
            return write()
        return render_template_string("<form method=post>{{ form.csrf_token }}</form>", form=form)

    @app.route("/enter", methods=["GET", "POST"])
    def enter():
        return redirect("/account") if session.get("user_id") else note()

    @app.route("/enter-by-form", methods=["GET", "POST"])
    def enter_by_form():
        if session.get("user_id"):
            return redirect("/account")
        form = NoteForm()
        return write() if form.validate_on_submit() else "no"

    @app.get("/account")
    def account():
        return "visitor" if session.get("user_id") else ("", 401)

    return app


def create_seasurf_app(config=None):
    app = shop(config)
    seasurf = SeaSurf(app)
    app.add_url_rule("/", "home", lambda: render_template_string(FORM.replace('csrf_token"', '_csrf_token"')))
    app.add_url_rule("/plain", "plain", write_as("plain"), methods=["POST"])
    app.add_url_rule("/exempt", "exempt", seasurf.exempt(write_as("exempt")), methods=["POST"])
    return app


def create_handmade_app(config=None):
    """A token of its own in the session, which one route takes from the query as well; and one that asks for Origin."""
    app = shop(config)

    def token():
        return session.setdefault("xsrf", secrets.token_hex(16))

    @app.before_request
    def check():
        if request.method == "GET" or request.path in ("/by-origin", "/open"):
            return
        given = request.values if request.path == "/query" else request.form
        if not hmac.compare_digest(given.get("xsrf_token", ""), session.get("xsrf", "?")):
            abort(403)

    @app.get("/")
    def home():
        page = '<form method="post"><input type="hidden" name="xsrf_token" value="{{ token }}"></form>'
        return render_template_string(page, token=token())

    app.add_url_rule("/form", "form", write_as("form"), methods=["POST"])
    app.add_url_rule("/query", "query", write_as("query"), methods=["POST"])
    app.add_url_rule("/open", "open", write_as("open"), methods=["POST"])

    @app.before_request
    def same_site():
        if request.path == "/by-origin" and request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            abort(403)

    app.add_url_rule("/by-origin", "by_origin", write_as("by_origin"), methods=["POST"])
    return app


def create_blueprint_app(config=None):
    """Only one blueprint checks, after hooks of the app; values of the URL are read before everything."""
    app = shop({"WTF_CSRF_CHECK_DEFAULT": False, **(config or {})})
    csrf = CSRFProtect(app)
    api, nested, late = Blueprint("api", __name__), Blueprint("v1", __name__), Blueprint("late", __name__)

    @app.before_request
    def remember_theme():
        if request.args.get("theme"):
            session["theme"] = request.args["theme"]

    @api.url_value_preprocessor
    def remember_language(endpoint, values):
        session["language"] = values.pop("language", endpoint)

    @api.before_request
    def look():
        return None

    api.before_request(csrf.protect)

    @api.before_request
    def after_the_check():
        session["checked"] = "yes"

    @nested.before_request
    def in_the_inner_one():
        session["inner"] = "yes"

    @late.before_request
    def count():
        db.session.add(Note(text="counted"))
        db.session.commit()

    @late.before_request
    def check():
        csrf.protect()

    nested.add_url_rule("/notes", "notes", write_as("notes"), methods=["POST"])
    late.add_url_rule("/late", "late", write_as("late"), methods=["POST"])
    api.register_blueprint(nested, url_prefix="/v1")
    app.register_blueprint(api, url_prefix="/<language>")
    app.register_blueprint(late)
    app.add_url_rule("/", "home", lambda: render_template_string(FORM))
    app.add_url_rule("/open", "open", write_as("open"), methods=["POST"])
    return app
