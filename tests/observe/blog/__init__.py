"""A real app whose views send statements in every way that attribution tells apart."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask
from observe.blog import models, views

from seatrial.model.evidence import Kind, Statement
from seatrial.observe.attribution import attribution
from seatrial.observe.statements import record

FOLDER = Path(__file__).parent
USERS = 6


class Blog:
    """The app, and what its requests send."""

    def __init__(self, database: Path) -> None:
        self.app = Flask("blog", root_path=str(FOLDER))
        self.app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{database}"
        self.attribution = attribution(FOLDER)
        models.db.init_app(self.app)
        with self.app.app_context():
            models.db.create_all()
            models.sow(USERS)
        for name, view in views.ROUTES.items():
            self.app.add_url_rule(f"/{name}", name, view)

    @contextmanager
    def recorded(self) -> Iterator[list[Statement]]:
        """In an app context of its own, with every execution attributed. The list is filled at the end."""
        found: list[Statement] = []
        with self.app.app_context(), record(attribute=self.attribution, attributed=(1, sys.maxsize)) as recording:
            yield found
        found += [s for s in recording.statements() if s.kind in (Kind.SELECT, Kind.DML)]

    def get(self, route: str) -> list[Statement]:
        with self.recorded() as found:
            response = self.app.test_client().get(f"/{route}")
            assert response.status_code == 200, response.text
        return found

    def close(self) -> None:
        with self.app.app_context():
            models.db.engine.dispose()


def line_of(file: str, text: str) -> int:
    """The number of the first line of the app's that holds a text."""
    lines = (FOLDER / file).read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)
