"""An app that chooses its face by a variable is tried in production's."""

import tomllib
from pathlib import Path

import pytest
from support import project

from seatrial.scaffold.document import document
from seatrial.scaffold.survey import survey

CHOICES = {
    "a default, and a dict of classes": (
        (
            "faces = {'development': Dev, 'production': Prod}\n"
            "def chosen():\n    return faces[os.getenv('FLASK_ENV', 'development')]"
        ),
        {"FLASK_ENV": "production"},
    ),
    "or": (
        "def chosen():\n    return Prod if (os.environ.get('APP_ENV') or 'dev') == 'prod' else Dev",
        {"APP_ENV": "prod"},
    ),
    "no default": (
        "def chosen():\n    return Prod if os.environ.get('APP_MODE') == 'production' else Dev",
        {"APP_MODE": "production"},
    ),
    "a match": (
        "def chosen():\n    match os.getenv('APP_ENVIRONMENT', 'local'):\n        case 'production':\n            ...",
        {"APP_ENVIRONMENT": "production"},
    ),
    "production by itself": (
        "def chosen():\n    return Dev if os.getenv('FLASK_ENV', 'production') == 'development' else Prod",
        {},
    ),
    "no word for production": ("def chosen():\n    return os.getenv('FLASK_ENV', 'development') == 'testing'", {}),
    "another variable": ("def chosen():\n    return os.getenv('COLOUR', 'development') == 'production'", {}),
}


@pytest.mark.parametrize("name", CHOICES)
def test_the_face_that_is_tried_is_production(tmp_path: Path, name: str) -> None:
    source, expected = CHOICES[name]
    root = project(tmp_path / "app", {}, config="")
    (root / "shop.py").write_text(
        "import os\nfrom flask import Flask\n\n" + source + "\n\n\ndef create_app():\n"
        "    app = Flask(__name__)\n    app.config.from_object(chosen())\n    return app\n"
    )
    written = tomllib.loads(document(survey(root), prefix="", database=None, seed=None))
    assert written["env"] == expected
