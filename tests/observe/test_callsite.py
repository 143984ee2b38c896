"""Lines of the target's own code."""

import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from jinja2 import DictLoader, Environment, FileSystemLoader
from sqlalchemy.engine import Engine

from seatrial.model.evidence import Load
from seatrial.model.findings import Place
from seatrial.observe.callsite import CallSites, Origin, call_site, line_text
from seatrial.observe.statements import record


def module(path: Path, text: str) -> dict[str, Any]:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text).lstrip("\n"))
    namespace: dict[str, Any] = {"sa": sa}
    exec(compile(path.read_text(), str(path), "exec"), namespace)
    return namespace


def test_repeats_two_to_six_are_attributed(tmp_path: Path, engine: Engine) -> None:
    loop = module(
        tmp_path / "app" / "views.py",
        """
        def view(connection):
            for number in range(9):
                connection.execute(sa.text(f"SELECT {number}"))
        """,
    )["view"]
    with record(attribute=call_site(tmp_path)) as recording, engine.connect() as connection:
        loop(connection)
    places = [s.place for s in recording.statements()]
    line = Place("app/views.py", 3, '        connection.execute(sa.text(f"SELECT {number}"))')
    assert places == [None, line, line, line, line, line, None, None, None]


def test_in_lists_and_literals_are_repeats(tmp_path: Path, engine: Engine) -> None:
    view = module(
        tmp_path / "views.py",
        """
        def view(connection):
            for size in (1, 2):
                ids = sa.column("id").in_(range(size))
                connection.execute(sa.select(sa.text("name")).select_from(sa.table("users")).where(ids))
                connection.exec_driver_sql(f"SELECT {size}")
        """,
    )["view"]
    with record(attribute=call_site(tmp_path)) as recording, engine.connect() as connection:
        view(connection)
    assert [s.place and s.place.line for s in recording.statements()] == [None, None, 4, 5]


def test_libraries_inside_the_root_are_not_its_own(tmp_path: Path, engine: Engine) -> None:
    helper = tmp_path / ".venv" / "lib" / "helper.py"
    library = module(helper, "def run(c):\n    c.execute(sa.text('SELECT 1'))\n")["run"]
    app = module(tmp_path / "app.py", "def view(run, c):\n\n    run(c)\n")["view"]
    with record(attribute=CallSites(tmp_path), attributed=(1, 1)) as recording, engine.connect() as connection:
        app(library, connection)
    assert recording.statements()[0].place == Place("app.py", 3, "    run(c)")


def test_template_lines(tmp_path: Path, engine: Engine) -> None:
    templates = tmp_path / "templates"
    templates.mkdir()
    (templates / "list.html").write_text(
        "{% import 'macros.html' as m %}\n<ul>\n{% for i in [1, 2] %}\n  <li>{{ m.cell(run) }}\n{% endfor %}"
    )
    (templates / "macros.html").write_text(
        "{# rows #}\n{% macro cell(run) %}\n <b>\n {{ run() }}\n </b>\n{% endmacro %}"
    )
    environment = Environment(loader=FileSystemLoader(templates))
    with record(attribute=call_site(tmp_path)) as recording, engine.connect() as connection:
        environment.get_template("list.html").render(run=lambda: connection.execute(sa.text("SELECT 1")).scalar())
    # the lambda stands in this file, which is not in the root
    assert recording.statements()[1].place == Place("templates/macros.html", 4, " {{ run() }}")


def test_templates_without_a_file_are_passed_over(tmp_path: Path, engine: Engine) -> None:
    environment = Environment(loader=DictLoader({"a": "{{ run() }}"}))
    view = module(tmp_path / "app.py", "def view(template, run):\n    return template.render(run=run)\n")["view"]
    with record(attribute=call_site(tmp_path), attributed=(1, 1)) as recording, engine.connect() as connection:
        view(environment.get_template("a"), lambda: connection.execute(sa.text("SELECT 1")).scalar())
    assert recording.statements()[0].place == Place("app.py", 2, "    return template.render(run=run)")


def test_a_request_that_a_template_makes_is_no_part_of_its_rendering(tmp_path: Path, engine: Engine) -> None:
    (tmp_path / "page.html").write_text("{{ ask() }}")
    view = module(tmp_path / "app.py", "def view(c):\n    return str(c.scalar(sa.text('SELECT 1')))\n")["view"]
    page = Environment(loader=FileSystemLoader(tmp_path)).get_template("page.html")
    app = Flask(__name__)
    with record(attribute=call_site(tmp_path), attributed=(1, 2)) as recording, engine.connect() as connection:
        app.add_url_rule("/", "view", lambda: view(connection))
        assert page.render(ask=lambda: app.test_client().get("/").text) == "1"
        # Without a request in between, the same template has sent it.
        assert page.render(ask=lambda: connection.scalar(sa.text("SELECT 2"))) == "2"
    inside, outside = recording.statements()
    assert (inside.place and inside.place.path, inside.template) == ("app.py", None)
    assert outside.template == Place("page.html", 1, "{{ ask() }}")


def test_none_of_its_own(tmp_path: Path, engine: Engine) -> None:
    with record(attribute=call_site(tmp_path), attributed=(1, 9)) as recording, engine.connect() as connection:
        connection.execute(sa.text("SELECT 1"))
    assert recording.statements()[0].place is None


def test_async_sessions_send_from_a_child_greenlet(tmp_path: Path, engine: Engine) -> None:
    import asyncio

    greenlet_spawn = pytest.importorskip("sqlalchemy.util.concurrency").greenlet_spawn
    view = module(
        tmp_path / "app.py",
        """
        async def view(spawn, execute):
            await spawn(execute)
        """,
    )["view"]
    with record(attribute=call_site(tmp_path), attributed=(1, 1)) as recording, engine.connect() as connection:
        asyncio.run(view(greenlet_spawn, lambda: connection.execute(sa.text("SELECT 1"))))
    assert recording.statements()[0].place == Place("app.py", 2, "    await spawn(execute)")


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"# first\nname = 'caf\xc3\xa9'\n", "name = 'café'"),
        (b"# -*- coding: latin-1 -*-\nname = 'caf\xe9'\n", "name = 'café'"),
        (b"<p>\n{{ caf\xe9 }}\r\n", "{{ caf\ufffd }}"),
        (b"one line", ""),
    ],
)
def test_text_in_any_encoding(tmp_path: Path, raw: bytes, text: str) -> None:
    path = tmp_path / "file.html"
    path.write_bytes(raw)
    assert line_text(str(path), 2) == text


def test_text_of_a_missing_file() -> None:
    assert line_text("/nowhere/at/all.py", 3) == ""


def test_at_names_the_place_of_a_traceback(tmp_path: Path) -> None:
    fail = module(tmp_path / "app.py", "def view():\n    return 1 / 0\n")["view"]
    try:
        fail()
    except ZeroDivisionError:
        trace = sys.exc_info()[2]
        assert trace is not None
        assert trace.tb_next is not None
        sites = CallSites(tmp_path)
        assert sites.at(trace.tb_next.tb_frame.f_code.co_filename, trace.tb_next.tb_lineno) == Place(
            "app.py", 2, "    return 1 / 0"
        )
        assert sites.at(__file__, 1) is None


def test_the_seam_for_relationships(engine: Engine) -> None:
    class Relationships:
        def note(self, context: Any, nth: int) -> Any:
            return context.compiled is not None, nth

        def read(self, note: Any) -> Origin:
            return Origin(None, f"User.posts {note[1]}", Load.EAGER)

    with record(attribute=Relationships(), attributed=(1, 2)) as recording, engine.connect() as connection:
        for _ in range(3):
            connection.execute(sa.text("SELECT 1"))
    assert [(s.relationship, s.eager) for s in recording.statements()] == [
        ("User.posts 1", True),
        ("User.posts 2", True),
        ("", False),
    ]
