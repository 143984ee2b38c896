"""Which folders and modules are said to hold the views."""

from pathlib import Path

import pytest
from init.conftest import SINGLE, SRC, Files, write

from seatrial.scaffold.survey import survey

FACTORY = """\
from flask import Flask


def create_app():
    app = Flask(__name__)

    @app.get("/health")
    def health():
        return ""

    return app
"""
MODELS = "from x import db\n\n\nclass Item(db.Model):\n    pass\n"
MAPPED = "from x import Base\nfrom sqlalchemy import Column\n\n\nclass Item(Base):\n    id = Column()\n"
TABLED = "from x import Base\n\n\nclass Item(Base):\n    __tablename__ = 'item'\n"
VIEW = "from flask import Blueprint\n\nbp = Blueprint('x', __name__)\n\n\n@bp.route('/x')\ndef x():\n    return ''\n"
EMPTY_RULE = VIEW.replace("'/x'", "''")
CLASS = "from flask.views import MethodView\n\n\nclass X(MethodView):\n    def get(self):\n        return ''\n"
DECORATED = "from flask_smorest import Blueprint\n\nbp = Blueprint('x', 'x')\n\n\n@bp.route('/x')\nclass X:\n    pass\n"
HELPER = "def send():\n    pass\n"


@pytest.mark.parametrize(
    ("files", "routes"),
    [
        (
            {
                "app/__init__.py": FACTORY,
                "app/models.py": MODELS,
                "app/api/__init__.py": "",
                "app/api/users.py": VIEW,
                "app/api/posts.py": VIEW,
                "app/main/routes.py": VIEW,
                "app/main/forms.py": HELPER,
                "app/auth/routes.py": VIEW,
            },
            ["app/api", "app/auth", "app/main"],
        ),
        (
            {
                "api/__init__.py": "",
                "api/app.py": FACTORY,
                "api/models.py": MODELS,
                "api/email.py": HELPER,
                "api/posts.py": VIEW,
                "api/users.py": CLASS,
                "api/tokens.py": DECORATED,
                "api/roots.py": EMPTY_RULE,
            },
            ["api/posts.py", "api/roots.py", "api/tokens.py", "api/users.py"],
        ),
        (
            {"app/__init__.py": FACTORY, "app/blueprints/user/views.py": VIEW, "app/blueprints/user/models.py": MODELS},
            ["app/blueprints"],
        ),
        ({"app/__init__.py": FACTORY, "app/shop/views.py": VIEW, "app/shop/models.py": MODELS}, ["app/shop/views.py"]),
        ({"app/__init__.py": FACTORY, "app/shop/views.py": VIEW, "app/shop/columns.py": MAPPED}, ["app/shop/views.py"]),
        ({"app/__init__.py": FACTORY, "app/shop/views.py": VIEW, "app/shop/tables.py": TABLED}, ["app/shop/views.py"]),
        (
            {"app/__init__.py": FACTORY, "app/shop/web.py": VIEW, "app/shop/services/x.py": HELPER},
            ["app/shop/web.py"],
        ),
        (
            {"app/__init__.py": FACTORY, "app/web/a/routes.py": VIEW, "app/web/b/routes.py": VIEW},
            ["app/web"],
        ),
        (
            {"app/__init__.py": FACTORY, "app/core/jobs/mail.py": HELPER, "app/core/web/pages.py": VIEW},
            ["app/core/web"],
        ),
        ({"views/__init__.py": FACTORY, "views/pages.py": VIEW}, ["views/pages.py"]),
        ({"app/__init__.py": FACTORY}, ["app/__init__.py"]),
        (SINGLE, ["app.py"]),
        (SRC, ["src/my_shop/__init__.py"]),
        ({"app/__init__.py": FACTORY, **{f"app/v{n}.py": VIEW for n in range(9)}}, [f"app/v{n}.py" for n in range(9)]),
    ],
    ids=[
        "a folder for each blueprint",
        "a flat package",
        "a folder that is called so",
        "models beside it",
        "models by their columns",
        "models by their table",
        "services beside it",
        "folders of folders",
        "a folder with more than views",
        "a package that is called so and builds the app",
        "views in the factory alone",
        "a single file",
        "src layout",
        "many modules",
    ],
)
def test_where_the_views_lie(tmp_path: Path, files: Files, routes: list[str]) -> None:
    """Folders that hold views and nothing that is no route module, else the modules themselves."""
    assert routes == survey(write(tmp_path, files)).routes
