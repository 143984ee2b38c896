"""`seatrial routes` in a pipe."""

import subprocess
import sys
from pathlib import Path

from support import project

SHOP = """
    from flask import Flask

    def create_app(config=None):
        app = Flask(__name__)

        @app.get("/a/very/long/rule/that/no/terminal/of/eighty/columns/has/room/for/<path:rest>/<int:number>")
        def a_very_long_name_of_an_endpoint_that_takes_a_line_by_itself(rest, number):
            return "x"

        return app
"""


def test_a_route_is_one_line_where_no_terminal_limits_it(tmp_path: Path) -> None:
    root = project(tmp_path / "shop", {"shop.py": SHOP})
    done = subprocess.run(
        [sys.executable, "-m", "seatrial", "routes", str(root)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    [line] = [line for line in done.stdout.splitlines() if "/a/very/long" in line]
    assert "<int:number>" in line
    assert "takes_a_line_by_itself" in line
