"""One other tool on the app with all shapes: `python benchmarks/shapes_peer.py TOOL FACTOR`. Prints JSON.

Run by the Python of the tool's own environment, and so without a line of Seatrial's. Each tool has its defaults, is
used in the way its documentation shows for a block of code or a request, and sees each route once, in a fresh app
context. An empty object: that Python does not have the tool.
"""

import json
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

SHAPES = Path(__file__).resolve().parent.parent / "tests" / "shapes"

Watch = Callable[[], Any]
"""A context manager around one request, which yields the list that is filled with what the tool says."""


def queryspy(_: Any) -> Watch:
    import queryspy as tool

    @contextmanager
    def watch() -> Iterator[list[str]]:
        said: list[str] = []
        try:
            with tool.no_n_plus_one():
                yield said
        except tool.NPlusOneError as error:
            said.append(str(error))

    return watch


def queryguard(_: Any) -> Watch:
    import pytest_queryguard as tool

    @contextmanager
    def watch() -> Iterator[list[str]]:
        said: list[str] = []
        with tool.record_queries() as log:
            yield said
        try:
            log.assert_no_nplusone()
        except tool.NPlusOneDetected as error:
            said.append(str(error))

    return watch


def querycount(_: Any) -> Watch:
    from pytest_querycount import DuplicateQueryError, Recorder, backends, checks

    backends.install_all()

    @contextmanager
    def watch() -> Iterator[list[str]]:
        said: list[str] = []
        recorder = Recorder()
        backends.push(recorder)
        try:
            yield said
        finally:
            backends.pop(recorder)
        try:
            checks.enforce(checks.Budget(no_n_plus_one=True), recorder)
        except DuplicateQueryError as error:
            said.append(str(error))

    return watch


def nplusone(app: Any) -> Watch:
    """nplusone, or nplus1, which has its name and goes on from it."""
    from nplusone.ext.flask_sqlalchemy import NPlusOne

    messages: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(record.getMessage())

    logger = logging.getLogger("shapes.nplusone")
    logger.setLevel(logging.DEBUG)
    logger.addHandler(Kept())
    app.config["NPLUSONE_LOGGER"] = logger
    NPlusOne(app)

    @contextmanager
    def watch() -> Iterator[list[str]]:
        messages.clear()
        said: list[str] = []
        yield said
        # what it says of eager loads that nobody reads is another matter
        said += [message for message in messages if "n+1" in message]

    return watch


TOOLS = {
    "queryspy": queryspy,
    "pytest-queryguard": queryguard,
    "pytest-querycount": querycount,
    "nplus1": nplusone,
    "nplusone": nplusone,
}


def main(tool: str, factor: int) -> dict[str, Any]:
    sys.path[:0] = [str(SHAPES)]
    from catalogue import SHAPES as shapes
    from catalogue import TOKEN
    from gazette import create_app, seed
    from gazette.models import db

    with tempfile.TemporaryDirectory() as folder:
        os.environ["DATABASE_URL"] = f"sqlite:///{folder}/gazette.db"
        app = create_app()
        app.testing = True  # an error is raised, not answered
        try:  # before the mappers are configured: one of them patches SQLAlchemy
            watch = TOOLS[tool](app)
        except (ImportError, AttributeError) as error:
            return {"missing": f"does not import: {error}"}
        with app.app_context():
            db.create_all()
        seed(app, factor)
        convicted = {}
        for shape in shapes:
            for kind in shape.kinds:
                with watch() as said:
                    answer = app.test_client().get(shape.path(kind), headers=TOKEN)
                    assert answer.status_code == 200, (shape.path(kind), answer.status_code)
                    assert answer.get_data()
                convicted[f"{kind}/{shape.name}"] = bool(said)
    return {"convicted": convicted}


if __name__ == "__main__":
    name = sys.argv[1]
    try:
        told = {"version": metadata.version(name), "sqlalchemy": metadata.version("sqlalchemy")}
    except metadata.PackageNotFoundError:
        print("{}")
        sys.exit()
    try:
        told |= main(name, int(sys.argv[2]))
    except Exception as problem:
        told["missing"] = f"the app does not work with it: {type(problem).__name__}: {problem}"
    print(json.dumps(told))
