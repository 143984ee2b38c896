"""Old libraries beside Seatrial end in one sentence, before anything of theirs is used."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

OLD = "the app runs on Flask 2.1.3 and SQLAlchemy 1.4.54 and Seatrial needs flask>="


def installed(folder: Path, **versions: str) -> dict[str, str]:
    """An environment in which the packages say that they have these versions."""
    for name, version in versions.items():
        info = folder / f"{name}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    return {**os.environ, "PYTHONPATH": str(folder)}


def run(env: dict[str, str], cwd: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *command], cwd=cwd, env=env, capture_output=True, text=True, timeout=60)


def seatrial(env: dict[str, str], cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(env, cwd, "-c", "from seatrial.cli import main; main()", *arguments)


@pytest.mark.parametrize("command", ["check", "init", "routes"])
def test_an_app_on_old_libraries_gets_one_sentence(tmp_path: Path, command: str) -> None:
    env = installed(tmp_path / "old", Flask="2.1.3", SQLAlchemy="1.4.54")
    done = seatrial(env, tmp_path, command)
    assert done.returncode == 2
    [sentence] = done.stderr.splitlines()
    assert OLD in sentence
    assert "https://docs.sqlalchemy.org/en/20/changelog/migration_20.html" in sentence
    assert "`seatrial smoke`" in sentence


def test_the_guards_in_pytest_say_the_same(tmp_path: Path) -> None:
    env = installed(tmp_path / "old", Flask="2.1.3", SQLAlchemy="1.4.54")
    done = run(env, tmp_path, "-m", "pytest", "--seatrial")
    assert done.returncode == 2
    assert OLD in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


def test_what_asks_a_running_server_and_what_explains_still_work(tmp_path: Path) -> None:
    env = installed(tmp_path / "old", SQLAlchemy="1.4.54")
    for command in (["rules"], ["explain", "SQL001"], ["check", "--help"]):
        assert seatrial(env, tmp_path, *command).returncode == 0, command
    refused = seatrial(env, tmp_path, "smoke", "http://127.0.0.1:9/", "--ready", "0")
    assert refused.returncode == 1, refused.stderr
    assert "SQLAlchemy" not in refused.stderr + refused.stdout


def test_another_library_is_raised_alone(tmp_path: Path) -> None:
    done = seatrial(installed(tmp_path / "old", alembic="1.0.1"), tmp_path, "check")
    assert done.returncode == 2
    [sentence] = done.stderr.splitlines()
    assert sentence.startswith("seatrial: alembic 1.0.1 is installed and Seatrial needs >=")
    assert "pip install 'alembic>=" in sentence
