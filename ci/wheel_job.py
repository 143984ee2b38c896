"""Build the wheel and use it as a stranger would: from an empty venv that cannot see the sources, on an app that owns
packages called `loadtests`, `migrations` and `ci` itself."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

APP = {
    "shop/__init__.py": """
        from flask import Flask, jsonify
        from flask_sqlalchemy import SQLAlchemy
        import ci.settings, loadtests.users, migrations.env

        db = SQLAlchemy()

        class Item(db.Model):
            id = db.Column(db.Integer, primary_key=True)
            name = db.Column(db.String(40))

        def create_app(config=None):
            app = Flask(__name__)
            app.config.update(config or {})
            db.init_app(app)

            @app.get("/items")
            def items():
                return jsonify(names=[item.name for item in db.session.scalars(db.select(Item))])

            @app.get("/items/<int:item_id>")
            def item(item_id):
                return jsonify(name=db.get_or_404(Item, item_id).name)

            return app

        def seed(app):
            db.session.add_all([Item(name="rope"), Item(name="sail")])
            db.session.commit()
        """,
    "ci/__init__.py": "",
    "ci/settings.py": "OWN = 'ci of the app'",
    "loadtests/__init__.py": "raise_if_shadowed = True",
    "loadtests/users.py": "OWN = 'loadtests of the app'",
    "migrations/__init__.py": "",
    "migrations/env.py": "OWN = 'migrations of the app'",
    "tests/test_headers.py": "def test_of_the_app():\n    import ci.settings\n    assert ci.settings.OWN\n",
    "pyproject.toml": """
        [tool.seatrial]
        app = "shop:create_app"
        seed = "shop:seed"
        environment = "development"
        [tool.seatrial.config]
        SQLALCHEMY_DATABASE_URI = "{database_url}"
        SECRET_KEY = "0f9b2c77e1d84a53b6c9d2e8f7a1b0c4"
        [tool.seatrial.gates]
        ruff = "off"
        mypy = "off"
        bandit = "off"
        """,
}


def run(*command: str | Path, cwd: Path, ok: tuple[int, ...] = (0,)) -> str:
    # Nothing of this checkout may leak in: no PYTHONPATH, no current directory inside it.
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run([str(c) for c in command], cwd=cwd, env=environment, capture_output=True, text=True)
    if done.returncode not in ok:
        print(done.stdout[-6000:], done.stderr[-6000:], sep="\n")
        raise SystemExit(f"wheel job: {command[0]} … ended with {done.returncode}, expected {ok}")
    return done.stdout + done.stderr


def built(folder: Path, *kinds: str) -> list[Path]:
    """What `kinds` (wheel, sdist) ask for, built into the folder from a copy of the sources."""
    with tempfile.TemporaryDirectory(prefix="seatrial-build-") as name:
        sources = Path(name) / "sources"
        ignored = shutil.ignore_patterns(".venv", ".git", "build", "dist", ".*_cache", "__pycache__")
        shutil.copytree(ROOT, sources, ignore=ignored)
        options = [f"--{kind}" for kind in kinds]
        run(sys.executable, "-m", "build", *options, "--outdir", folder, sources, cwd=Path(name))
    return sorted(path for path in folder.iterdir() if path.name.endswith((".whl", ".tar.gz")))


def main() -> None:
    base = Path(tempfile.mkdtemp(prefix="seatrial-wheel-"))
    try:
        (wheel,) = built(base / "dist", "wheel")
        uv = Path(sys.executable).parent / "uv"
        run(uv, "venv", "-q", "--python", sys.executable, base / "venv", cwd=base)
        python = base / "venv" / "bin" / "python"
        run(uv, "pip", "install", "-q", "--python", python, f"{wheel}[postgres,tools]", "flask-sqlalchemy", cwd=base)
        app = base / "app"
        for name, text in APP.items():
            path = app / name
            path.parent.mkdir(parents=True, exist_ok=True)
            lines = text.strip("\n").splitlines()
            indent = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
            path.write_text("\n".join(line[indent:] for line in lines) + "\n")
        where = run(python, "-c", "import seatrial; print(seatrial.__file__)", cwd=app).strip()
        assert "site-packages" in where, where
        seatrial = base / "venv" / "bin" / "seatrial"
        result = base / "result.json"
        run(seatrial, "check", "--json", result, cwd=app, ok=(0, 1))
        found = json.loads(result.read_text())
        outcomes = found["outcomes"]
        assert outcomes["broken"] == 0, outcomes
        assert outcomes["pass"] > 0, outcomes
        assert [tool["state"] for tool in found["tools"] if tool["name"] == "pytest"] == ["ok"], found["tools"]
        routes = {(row["rule"], row["status"]) for row in found["routes"]}
        assert {("/items", 200), ("/items/<int:item_id>", 200)} <= routes, routes
        friendly = run(python, "-m", "pytest", "--seatrial", "-q", "tests", cwd=app, ok=(0, 1))
        assert "seatrial" in friendly, friendly
        assert "SQL002" in run(seatrial, "explain", "SQL002", cwd=app)
        # Nobody listens there: what is tried is that the command and its suite came along.
        assert "SMK001" in run(seatrial, "smoke", "http://127.0.0.1:9", "--ready", "0", cwd=app, ok=(1,))
        smoked = run(python, "-m", "pytest", "-q", "--seatrial-smoke", "http://127.0.0.1:9", "--collect-only", cwd=app)
        assert "seatrial-smoke/test_ready.py::test_ready[127.0.0.1:9]" in smoked, smoked
        print(f"wheel job: {wheel.name} tried an app with its own ci/, loadtests/, migrations/: {outcomes}")
    finally:
        shutil.rmtree(base, ignore_errors=True)


if __name__ == "__main__":
    main()
