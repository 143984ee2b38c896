"""A small shop, and `seatrial` run on it from outside."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from support import project

SOUND = """
    from flask import Flask, jsonify
    from flask_sqlalchemy import SQLAlchemy

    db = SQLAlchemy()


    class Item(db.Model):
        id = db.Column(db.Integer, primary_key=True)
        name = db.Column(db.String(40))


    def seed(app):
        db.session.add_all([Item(name="rope"), Item(name="sail")])
        db.session.commit()


    def create_app(config=None):
        app = Flask(__name__)
        app.config.update(config or {})
        db.init_app(app)

        @app.get("/items")
        def items():
            return jsonify([item.name for item in db.session.scalars(db.select(Item))])

        return app
    """

WRITES = SOUND.replace(
    "            return jsonify([item",
    "            db.session.add(Item(name='seen'))\n            db.session.commit()\n            return jsonify([item",
)
TOP = 'seed = "shop:seed"'
NO_TOOLS = '[tool.seatrial.gates]\nruff = "off"\nmypy = "off"\nbandit = "off"\npytest = "off"'


class Ran:
    def __init__(self, done: subprocess.CompletedProcess[str], result: Path) -> None:
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr
        self.json: dict[str, Any] = json.loads(result.read_text()) if result.exists() else {}
        assert "Traceback" not in self.out + self.err, self.out + self.err


def seatrial(root: Path, *arguments: str, ci: bool = False, json_result: bool = True, **environment: str) -> Ran:
    result = root.parent / "result.json"
    result.unlink(missing_ok=True)
    env = {name: value for name, value in os.environ.items() if name != "CI"} | environment
    if ci:
        env["CI"] = "true"
    options = ["--json", str(result)] if arguments[0] == "check" and json_result else []
    done = subprocess.run(
        [sys.executable, "-m", "seatrial", *arguments, *options],
        cwd=root,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return Ran(done, result)


def shop(tmp_path: Path, source: str = SOUND, *, more: str = "") -> Path:
    return project(tmp_path / "app", {"shop.py": source}, top=TOP, more=f"{NO_TOOLS}\n{more}")


def git(root: Path, *words: str) -> None:
    who = ("-c", "user.name=Ann", "-c", "user.email=ann@shop.example", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *words], cwd=root, check=True, capture_output=True)
