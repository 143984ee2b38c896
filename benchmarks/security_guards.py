"""How long every security guard takes: on the hardened stockroom, and on a generated app of 450 routes.

    python -m benchmarks.security_guards [--routes 450] [--only stockroom|generated]

From the start of the guards (hosts, database, discovery of the routes, a log-in) to the last report, by the clock, as a
person waits for it, on two cores with no other load. Limits: 60 s and 5 minutes. Processor time (without the database
server's) and load are shown beside it, so that a miss of a busy machine can be told from one of the guards; the slowest
guards are named by the time that passed before each report.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import sys
import tempfile
import textwrap
import time
from collections import Counter
from pathlib import Path

from seatrial.cli.guards import GuardRun
from seatrial.config import load
from seatrial.model.outcomes import Outcome
from seatrial.rules import registered
from seatrial.verdict.outcome import Collected

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "stockroom"
FAMILIES = frozenset({"HDR", "CKE", "CSR", "RTL", "SES", "RED", "CFG", "OAU", "ERR"})
ROUTES = 450
LIMITS_S = {"stockroom": 60.0, "generated": 300.0}
PER_BLUEPRINT = 9
"""Routes of one resource: lists, pages, forms and an API, some of them limited."""
SHOWN = 10

APP = '''
    import secrets

    from flask import Blueprint, Flask, abort, jsonify, redirect, render_template_string, request, session, url_for
    from flask_limiter import Limiter
    from flask_limiter.util import get_remote_address
    from flask_sqlalchemy import SQLAlchemy
    from flask_wtf import CSRFProtect

    db, csrf = SQLAlchemy(), CSRFProtect()
    limiter = Limiter(get_remote_address, default_limits=["10000 per hour"])
    FORM = """<!doctype html><title>Form</title><form method="post">
    <input type="hidden" name="csrf_token" value="{{{{ csrf_token() }}}}"><input name="name"><input name="password"
    type="password"></form>"""
    POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"


    class Item(db.Model):
        id = db.Column(db.Integer, primary_key=True)
        name = db.Column(db.String(80))


    def seed(app):
        db.session.add_all(Item(name=f"item {{n}}") for n in range(20))
        db.session.commit()


    def found(item_id):
        return db.session.get(Item, item_id) or abort(404)


    def resource(name):
        bp = Blueprint(name, __name__, url_prefix=f"/{{name}}")

        @bp.before_request
        def members_only():
            if "uid" not in session:
                return redirect(url_for("login"))

        @bp.get("/")
        def index():
            items = db.session.scalars(db.select(Item).limit(20))
            return render_template_string("<!doctype html><ul>{{% for i in items %}}<li>{{{{ i.name }}}}{{% endfor %}}",
                                          items=items)

        @bp.get("/<int:item_id>")
        def page(item_id):
            return render_template_string("<!doctype html><h1>{{{{ i.name }}}}</h1>", i=found(item_id))

        @bp.route("/new", methods=["GET", "POST"])
        def new():
            if request.method == "POST":
                db.session.add(Item(name=request.form.get("name", "")[:80].replace("\\0", "")))
                db.session.commit()
                return redirect(url_for(".index"))
            return render_template_string(FORM)

        @bp.post("/<int:item_id>/delete")
        def delete(item_id):
            db.session.delete(found(item_id))
            db.session.commit()
            return redirect(url_for(".index"))

        @bp.get("/api/items")
        def api_items():
            return jsonify([item.name for item in db.session.scalars(db.select(Item).limit(20))])

        @bp.get("/api/items/<int:item_id>")
        def api_item(item_id):
            return jsonify(found(item_id).name)

        @bp.post("/api/items/<int:item_id>")
        def api_rename(item_id):
            found(item_id).name = str((request.get_json(silent=True) or {{}}) or "?")[:80]
            db.session.commit()
            return jsonify(ok=True)

        @bp.get("/search")
        @limiter.limit("20 per minute")
        def search():
            return jsonify(request.args.get("q", ""))

        return bp


    def create_app(config=None):
        app = Flask(__name__)
        app.config.update(SECRET_KEY=secrets.token_hex(32), MAX_CONTENT_LENGTH=1024 * 1024, TRUSTED_HOSTS=["localhost"],
                          SESSION_COOKIE_SECURE=True, SESSION_COOKIE_SAMESITE="Lax",
                          SESSION_COOKIE_NAME="__Host-session", RATELIMIT_HEADERS_ENABLED=True)
        app.config.update(config or {{}})
        for extension in (db, csrf, limiter):
            extension.init_app(app)

        @app.after_request
        def defend(response):
            response.headers["Content-Security-Policy"] = POLICY
            response.headers["Referrer-Policy"] = "same-origin"
            response.headers["X-Content-Type-Options"] = "nosniff"
            response.headers["Permissions-Policy"] = "camera=()"
            response.headers["Cache-Control"] = "no-store"
            response.headers["Strict-Transport-Security"] = "max-age=31536000"
            return response

        @app.route("/auth/login", methods=["GET", "POST"])
        @limiter.limit("20 per minute")
        def login():
            if request.form.get("password") == "sea-trial-pass":
                session["uid"] = "1"
                return redirect("/r0/")
            return render_template_string(FORM)

        for number in range({blueprints}):
            app.register_blueprint(resource(f"r{{number}}"))
        return app
    '''
CONFIG = """
    [tool.seatrial]
    app = "yard:create_app"
    seed = "yard:seed"
    workers = 1
    [tool.seatrial.database]
    url = "sqlite"
    [tool.seatrial.config]
    SQLALCHEMY_DATABASE_URI = "{database_url}"
    [[tool.seatrial.identities]]
    name = "owner"
    login = "/auth/login"
    fields = { name = "owner", password = "sea-trial-pass" }
    """


class Clock:
    """Notes how long each guard took; tells nothing."""

    def __init__(self) -> None:
        self.before = time.perf_counter()
        self.slowest: list[tuple[float, str]] = []

    def stage(self, text: str) -> None:
        self.advance(0, 0, text)

    def advance(self, _done: int, _total: int, text: str = "") -> None:
        now = time.perf_counter()
        self.slowest.append((now - self.before, text))
        self.before = now


def generated(folder: Path, routes: int) -> Path:
    """An app with at least that many routes (a rule with two methods is two); nothing of it bans the trial."""
    (folder / "yard.py").write_text(textwrap.dedent(APP.format(blueprints=-(-routes // PER_BLUEPRINT))))
    (folder / "seatrial.toml").write_text(textwrap.dedent(CONFIG))
    return folder


def measure(root: Path) -> tuple[float, Collected, Clock, int]:
    """(seconds, what was found, the clock, routes)."""
    settings, folder = load(root), Path(tempfile.mkdtemp(prefix="seatrial-bench-"))
    codes = [r.code for r in registered() if r.family in FAMILIES and not (r.passive or r.static or r.command)]
    began, clock, before = time.perf_counter(), Clock(), processor_s()
    try:
        run = GuardRun(settings, folder, ["--seatrial-only", ",".join(codes)], clock)
        collected = run.wait()
        routes = len(run.inventory.routes) if run.inventory is not None else 0
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    elapsed_s = time.perf_counter() - began
    print(f"processor {processor_s() - before:.1f} s, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    return elapsed_s, collected, clock, routes


def processor_s() -> float:
    """Of all processes that were started here and have ended, hosts among them."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def judge(name: str, elapsed_s: float, collected: Collected, clock: Clock, routes: int) -> int:
    """Says what was measured; 1 where the limit is missed, or the guards did not really run."""
    outcomes = Counter(check.outcome for check in collected.checks)
    told = ", ".join(f"{outcomes[outcome]} {outcome.value}" for outcome in Outcome if outcomes[outcome])
    print(f"{name:<10} {routes:>4} routes  {elapsed_s:>6.1f} s   (limit: {LIMITS_S[name]:g} s)   {told}")
    for seconds, text in sorted(clock.slowest, reverse=True)[:SHOWN]:
        print(f"    {seconds:>6.2f} s  {text}")
    proved = outcomes[Outcome.PASS] > routes and not outcomes[Outcome.BROKEN] and not collected.broken
    if not proved:
        print(f"    the guards did not really run: {[*collected.broken, *collected.inconclusive][:3]}")
    return 0 if proved and elapsed_s <= LIMITS_S[name] else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--routes", type=int, default=ROUTES)
    parser.add_argument("--only", choices=[*LIMITS_S], help="one of the two")
    given = parser.parse_args()
    missed = 0
    if given.only != "generated":
        missed += judge("stockroom", *measure(EXAMPLE))
    if given.only != "stockroom":
        with tempfile.TemporaryDirectory(prefix="seatrial-bench-app-") as folder:
            missed += judge("generated", *measure(generated(Path(folder), given.routes)))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
