"""The other tools, each where it can live: `build/peers`, and `build/peers-2.0` with SQLAlchemy 2.0.

They are installed from the package index once; without a network the benchmarks run without them and say what is
not proved.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
APPS = ("flask", "flask-sqlalchemy", "flask-caching", "marshmallow", "pydantic")
"""What the apps of the benchmarks import."""
NEW = ROOT / "build" / "peers"
OLD = ROOT / "build" / "peers-2.0"
INSTALLS = {
    NEW: (
        (*APPS, "queryspy", "pytest-queryguard", "pytest-querycount", "sqlalchemy-easy-profile", "six"),
        ("--no-deps", "sqlalchemy==2.1.*"),  # easy_profile asks for an older one, and works with it
    ),
    OLD: ((*APPS, "sqlalchemy==2.0.*", "nplus1"),),
}


def python(folder: Path) -> str:
    """Its interpreter, the environment made where it is missing; empty where that failed, which is said."""
    interpreter, ready = folder / "bin" / "python", folder / ".ready"
    if not ready.exists():
        print(f"setting up {folder.relative_to(ROOT)}", flush=True)
        steps = [[sys.executable, "-m", "venv", "--clear", str(folder)]]
        steps += [[str(interpreter), "-m", "pip", "install", "-q", *packages] for packages in INSTALLS[folder]]
        for step in steps:
            done = subprocess.run(step, capture_output=True, text=True)
            if done.returncode:
                print(f"no other tools: {(done.stderr.strip().splitlines() or ['pip failed'])[-1]}")
                return ""
        ready.touch()
    return str(interpreter)
