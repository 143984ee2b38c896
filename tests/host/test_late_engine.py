"""An app whose engine is made when it is first asked for: nothing to be found while it is built."""

from pathlib import Path

import pytest
from support import project

from seatrial.config import load
from seatrial.model.evidence import Kind
from seatrial.model.inventory import ANONYMOUS
from seatrial.model.profiles import Profile
from seatrial.trials.opening import open_run, prepare
from seatrial.trials.pilot import Pilot

FILES = {
    "shop/__init__.py": """
        from flask import Flask

        from shop import db, models

        def create_app():
            app = Flask(__name__)

            @app.get("/items")
            def items():
                with db.session() as session:
                    return [item.name for item in session.scalars(models.select(models.Item))]

            return app
    """,
    "shop/db.py": """
        import os
        from functools import cache

        from sqlalchemy import create_engine
        from sqlalchemy.orm import Session

        @cache
        def engine():
            return create_engine(os.environ["DATABASE_URL"])

        def session():
            return Session(engine())
    """,
    "shop/models.py": """
        from sqlalchemy import select
        from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

        class Base(DeclarativeBase):
            pass

        class Item(Base):
            __tablename__ = "item"
            id: Mapped[int] = mapped_column(primary_key=True)
            name: Mapped[str]
    """,
    "shop/seeds.py": """
        from shop import db, models

        def seed(app):
            with db.session() as session:
                session.add(models.Item(name="rope"))
                session.commit()
    """,
}
CONFIG = """
    [tool.seatrial]
    app = "shop:create_app"
    seed = "shop.seeds:seed"
    [tool.seatrial.database]
    url = "{url}"
    [tool.seatrial.env]
    DATABASE_URL = "{{database_url}}"
"""


@pytest.mark.parametrize("url", [pytest.param("sqlite", marks=pytest.mark.matrix), "embedded"])
def test_its_tables_are_made_and_its_connections_given_back(tmp_path: Path, url: str) -> None:
    root = project(tmp_path / "app", FILES, config=CONFIG.format(url=url))
    with open_run(load(root)) as run:
        # the database that was sown is copied for each profile, which an open connection would forbid
        for profile in (Profile.SWEEP, Profile.PROTECTION):
            inventory = prepare(run, profile)
        pilot = Pilot(run)
        [route] = [route for route in inventory.routes if route.rule == "/items"]
        exchange = pilot.look(route, ANONYMOUS, Profile.SWEEP)
        assert [s.kind for s in exchange.statements] == [Kind.SELECT]
        grown = pilot.growth(route, ANONYMOUS)
        assert [series.seen["item"] for series in grown.series] == [(1, 3, 6)], grown.reason
        assert any("makes its SQLAlchemy engine on first use" in note for note in inventory.notes)
