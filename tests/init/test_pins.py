"""What the project pins against what is installed here."""

from importlib import metadata
from pathlib import Path

import pytest
from init.conftest import BARE, Init, write

from seatrial.scaffold.pins import pins, sentence

CLICK, FLASK, ALCHEMY, RICH = (metadata.version(name) for name in ("click", "flask", "sqlalchemy", "rich"))
KEPT = "`pip install -c requirements.txt seatrial` keeps what the app pins"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"requirements.txt": "Flask==1.0\n"}, {"Flask": "1.0"}),
        (
            {"requirements.txt": "flask==1.0 # why\n# rich==1\n\nrich>=2\nclick==8.*\njinja2==3,!=3.1\n"},
            {"flask": "1.0"},
        ),
        (
            {"requirements.txt": "flask[async]==1.0 ; python_version > '3'\nrich==1; python_version < '3'\n"},
            {"flask": "1.0"},
        ),
        (
            {"requirements.txt": "flask==1.0 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11\nrich==2\n"},
            {"flask": "1.0", "rich": "2"},
        ),
        (
            {
                "requirements.txt": "-r requirements/base.txt\n--requirement=../out.txt\n-r gone.txt\nrich==2\n",
                "requirements/base.txt": "-r ../requirements.txt\nflask==1.0\n",
                "../out.txt": "click==1\n",
            },
            {"flask": "1.0", "rich": "2"},
        ),
        (
            {"requirements.txt": "flask==1.0\n", "requirements-dev.txt": "Flask==2.0\nrich==2\n"},
            {"flask": "1.0", "rich": "2"},
        ),
        ({"pyproject.toml": '[project]\ndependencies = ["flask==1.0", "rich>=2"]\n'}, {"flask": "1.0"}),
        ({"pyproject.toml": "[project\n"}, {}),
        ({"requirements.txt": b"\xff\xfe\x00==1\n"}, {}),
    ],
    ids=["plain", "not exact", "markers", "hashes", "followed", "the first counts", "project", "no TOML", "no text"],
)
def test_what_is_pinned(tmp_path: Path, files: dict[str, str | bytes], expected: dict[str, str]) -> None:
    """Exact versions that hold here, each package once."""
    root = tmp_path / "shop"

    assert expected == {pin.name: pin.version for pin in pins(write(root, files))}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"requirements.txt": f"flask=={FLASK}\nnothing-of-the-kind==1\n"}, ""),
        (
            {"requirements.txt": f"flask=={FLASK}+local\n"},
            f"flask {FLASK} is installed and requirements.txt pins {FLASK}+local",
        ),
        (
            {"requirements.txt": "rich==13.99\nSQLAlchemy==2.0.99\n"},
            f"SQLAlchemy {ALCHEMY} is installed and requirements.txt pins 2.0.99, rich {RICH} and 13.99; {KEPT}",
        ),
        (
            {"requirements.txt": "rich==13.99\n", "requirements-dev.txt": "click==8.99\n"},
            f"requirements.txt pins 13.99, click {CLICK} and 8.99 (requirements-dev.txt); {KEPT}",
        ),
        ({"requirements.txt": "rich==13.99\nflask[async]\n"}, "`pip install -r requirements.txt seatrial` keeps"),
        ({"requirements.txt": "rich==13.99\n-e .\n"}, "`pip install -r requirements.txt seatrial` keeps"),
        (
            {"requirements.txt": "rich==13.99 --hash=sha256:00\n"},
            "name seatrial in what requirements.txt is compiled from",
        ),
        ({"pyproject.toml": '[project]\ndependencies = ["rich==13.99"]\n'}, "`pip install -e . seatrial` keeps"),
        (
            {"requirements.txt": "SQLAlchemy==1.4.54\n"},
            "pins 1.4.54; Seatrial needs sqlalchemy>=2.0.20: raise that first, then `pip install -c",
        ),
        (
            {
                "requirements.txt": "".join(
                    f"{name}==0.0.1\n" for name in ("rich", "click", "packaging", "mypy", "ruff", "jinja2")
                )
            },
            ", and 2 more; ",
        ),
    ],
    ids=[
        "the same",
        "a local version",
        "another",
        "two files",
        "extras",
        "editable",
        "hashes",
        "project",
        "too old",
        "many",
    ],
)
def test_what_differs_is_one_sentence(tmp_path: Path, files: dict[str, str], expected: str) -> None:
    """With what keeps the pins, where anything does."""
    said = sentence(write(tmp_path, files))

    assert expected in said
    assert bool(expected) == bool(said)


def test_init_says_what_differs(init: Init) -> None:
    """Before the run, and among the explanations of a run that failed."""
    broken = {
        "hello.py": str(BARE["hello.py"]) + "\nraise RuntimeError('no sea')\n",
        "requirements.txt": "rich==13.99\n",
    }

    result = init(broken)

    said = f"rich {RICH} is installed and requirements.txt pins 13.99; `pip install -c requirements.txt seatrial`"
    assert result.exit_code == 2
    assert f"versions    {said}" in result.stdout
    assert said in result.stderr
