"""What it costs to prove by growth: per route, in memory, and with the number of routes.

| limit | |
|---|---|
| median of a judged route, stockroom, embedded PostgreSQL | 0.5 s |
| median of a judged route, an app of 160 routes whose layout sends forty statements | 1 s |
| memory that the host takes on while it proves all routes of stockroom | 50 MB |
| time per route and table at 160 routes, of that at 10 routes (40 is shown) | 1.5 times |
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from seatrial.config import Settings, load
from seatrial.model.inventory import ANONYMOUS
from seatrial.model.outcomes import Outcome
from seatrial.model.profiles import Profile
from seatrial.rules.growth import n_plus_one
from seatrial.trials.opening import open_run, prepare
from seatrial.trials.pilot import Pilot

ROOT = Path(__file__).resolve().parent.parent
STOCKROOM_LIMIT_S, LARGE_LIMIT_S, MEMORY_LIMIT_MB, LINEAR_LIMIT = 0.5, 1.0, 50.0, 1.5
SIZES = (10, 40, 160)
TABLES = 3
"""Read by each made-up route: its own two, and one that all of them share."""

APP = """
    import sqlalchemy as sa
    from flask import Flask, jsonify
    from flask_sqlalchemy import SQLAlchemy

    db = SQLAlchemy()


    class Setting(db.Model):
        id = db.Column(db.Integer, primary_key=True)
        value = db.Column(db.String(20))


    def models(number):
        parent = type(f"Parent{number}", (db.Model,), {
            "__tablename__": f"parent_{number}", "id": db.Column(db.Integer, primary_key=True),
            "name": db.Column(db.String(20)), "children": db.relationship(f"Child{number}", lazy="selectin"),
        })
        child = type(f"Child{number}", (db.Model,), {
            "__tablename__": f"child_{number}", "id": db.Column(db.Integer, primary_key=True),
            "parent_id": db.Column(db.ForeignKey(f"parent_{number}.id")),
        })
        return parent, child


    def view(parent):
        def page():
            for _ in range(LAYOUT):
                db.session.scalars(sa.select(Setting.value)).all()
            found = db.session.scalars(sa.select(parent).order_by(parent.id).limit(50))
            return jsonify([[row.name, len(row.children)] for row in found])
        return page


    ALL = [models(number) for number in range(ROUTES)]


    def create_app(config=None):
        app = Flask(__name__)
        app.config.update(config or {})
        db.init_app(app)
        for number, (parent, _) in enumerate(ALL):
            app.add_url_rule(f"/page/{number}", f"page_{number}", view(parent))
        return app


    def seed(app):
        db.session.add(Setting(value="a"))
        for parent, child in ALL:
            db.session.add_all([parent(name="a", children=[child(), child()]), parent(name="b", children=[child()])])
        db.session.commit()
"""
CONFIG = """
    app = "made_up:create_app"
    seed = "made_up:seed"
    [config]
    SQLALCHEMY_DATABASE_URI = "{database_url}"
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """Of the growth guard over all pages of one app, as its first identity."""

    routes: int
    judged: int
    seconds: float
    median_s: float
    grown_mb: float


def prove_all(settings: Settings) -> Cost:
    """Drive every page; discovery and logging in are not counted."""
    taken: list[float] = []
    with open_run(settings) as run:
        inventory = prepare(run, Profile.SWEEP)
        pilot = Pilot(run)
        identity = next((name for name in inventory.identities if name != ANONYMOUS), ANONYMOUS)
        routes = [
            r for r in inventory.routes if r.safe and r.endpoint != "static" and not r.skipped and not r.shadowed_by
        ]
        [host] = [psutil.Process(pid) for pid in run.process_ids()]
        before, began = host.memory_info().rss, time.perf_counter()
        for route in routes:
            started = time.perf_counter()
            judgement = n_plus_one(pilot.growth(route, identity))
            if judgement.outcome in (Outcome.PASS, Outcome.FAIL):
                taken.append(time.perf_counter() - started)
        seconds = time.perf_counter() - began
        grown_mb = (host.memory_info().rss - before) / 1e6
    return Cost(len(routes), len(taken), seconds, statistics.median(taken), grown_mb)


def made_up(folder: Path, routes: int, layout: int) -> Settings:
    """An app of `routes` pages, each of which sends `layout` statements before its own."""
    folder.mkdir()
    source = textwrap.dedent(APP).replace("ROUTES", str(routes)).replace("LAYOUT", str(layout))
    (folder / "made_up.py").write_text(source)
    (folder / "seatrial.toml").write_text(textwrap.dedent(CONFIG))
    return load(folder)


def main() -> int:
    stockroom = prove_all(load(ROOT / "examples" / "stockroom", ROOT / "examples" / "stockroom" / "legacy.toml"))
    print(
        f"stockroom: {stockroom.judged} of {stockroom.routes} routes judged, median {stockroom.median_s:.2f} s "
        f"(limit {STOCKROOM_LIMIT_S:g} s), all in {stockroom.seconds:.1f} s, "
        f"host grew by {stockroom.grown_mb:.0f} MB (limit {MEMORY_LIMIT_MB:g} MB)"
    )
    each: dict[int, float] = {}
    with tempfile.TemporaryDirectory(prefix="seatrial-bench-") as folder:
        for size in SIZES:
            cost = prove_all(made_up(Path(folder) / str(size), size, 1))
            each[size] = cost.seconds / (size * TABLES)
            print(f"{size:>4} routes × {TABLES} tables: {cost.seconds:.1f} s, {each[size] * 1000:.1f} ms each")
        large = prove_all(made_up(Path(folder) / "large", SIZES[-1], 40))
    ratio = each[SIZES[-1]] / each[SIZES[0]]
    print(f"per route and table, {SIZES[-1]} routes / {SIZES[0]} routes: {ratio:.2f} (limit {LINEAR_LIMIT:g})")
    print(f"layout of forty statements, {SIZES[-1]} routes: median {large.median_s:.2f} s (limit {LARGE_LIMIT_S:g} s)")
    kept = (
        stockroom.median_s <= STOCKROOM_LIMIT_S
        and stockroom.grown_mb <= MEMORY_LIMIT_MB
        and ratio <= LINEAR_LIMIT
        and large.median_s <= LARGE_LIMIT_S
    )
    return int(not kept)


if __name__ == "__main__":
    sys.exit(main())
