"""What is written, and above all what is not lost."""

import stat
import tomllib
from pathlib import Path

import pytest
from init.conftest import BARE, FACTORY, SINGLE, Init, snapshot, uncommented, write

from seatrial.config import load
from seatrial.scaffold.pipelines import Pipeline, install_command, python_version

HEAD = '[project]\nname = "shop" # ours\nversion = "1"\n\n[tool.black]\nline-length = 100'


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(HEAD.encode(), id="no newline at the end"),
        pytest.param(HEAD.encode() + b"\n\n\n", id="blank lines at the end"),
        pytest.param(HEAD.replace("\n", "\r\n").encode() + b"\r\n", id="Windows newlines"),
        pytest.param(b"\xef\xbb\xbf" + HEAD.encode(), id="byte order mark"),
        pytest.param('tool.black.line-length = 100\nname = "ü"\n'.encode(), id="dotted keys"),
    ],
)
def test_a_pyproject_keeps_every_byte(init: Init, project: Path, before: bytes) -> None:
    """The tables are appended, in the file's own kind of newline."""
    write(project, {"pyproject.toml": before})
    (project / "pyproject.toml").chmod(0o640)

    result = init(BARE, "--no-run")

    after = (project / "pyproject.toml").read_bytes()
    assert result.exit_code == 0, result.output
    assert after.startswith(before)
    assert b"\n\n# Sea trials" in after.replace(b"\r\n", b"\n")
    assert (b"\r\n" in before) == (b"\r\n" in after)
    assert b"\r\n" not in before or b"\n" not in after.replace(b"\r\n", b"")
    tables = tomllib.loads(after.decode("utf-8-sig"))
    kept = {**tables, "tool": {name: table for name, table in tables["tool"].items() if name != "seatrial"}}
    assert tomllib.loads(before.decode("utf-8-sig")) == kept
    assert stat.S_IMODE((project / "pyproject.toml").stat().st_mode) == 0o640
    assert load(project).app == "hello:application"
    assert not (project / "seatrial.toml").exists()


def test_a_closed_tool_table_sends_the_configuration_to_a_file_of_its_own(init: Init, project: Path) -> None:
    """`tool = { … }` takes no further tables."""
    closed = b"tool = { black = { line-length = 100 } }\n"

    result = init({**BARE, "pyproject.toml": closed}, "--no-run")

    assert result.exit_code == 0, result.output
    assert closed == (project / "pyproject.toml").read_bytes()
    assert load(project).app == "hello:application"
    assert "cannot be appended to pyproject.toml" in result.output


@pytest.mark.parametrize("content", [b"[tool\n", b'name = "\xff"\n'], ids=["not TOML", "not UTF-8"])
def test_a_pyproject_that_cannot_be_read_is_left_alone(init: Init, project: Path, content: bytes) -> None:
    """Nobody can tell what stands in it."""
    result = init({**BARE, "pyproject.toml": content}, "--no-run")

    assert result.exit_code == 2
    assert "pyproject.toml: line 1" in result.output
    assert content == (project / "pyproject.toml").read_bytes()
    assert not (project / "seatrial.toml").exists()


def test_a_second_run_changes_nothing_and_says_so(init: Init, project: Path) -> None:
    """The configuration is a person's own from the first moment on."""
    init(FACTORY, "--no-run")
    before = snapshot(project)

    result = init(None, "--no-run")

    assert result.exit_code == 2
    assert "pyproject.toml already configures Seatrial and was left as it is; edit it there" in result.output
    assert before == snapshot(project)


def test_options_that_the_configuration_would_have_to_say_are_refused_on_a_second_run(
    init: Init, project: Path
) -> None:
    """Silently ignoring them would look like success."""
    init(FACTORY, "--no-run")
    before = snapshot(project)

    result = init(None, "--database", "sqlite")

    assert result.exit_code == 2
    assert "--database only speaks where there is no configuration yet" in result.output
    assert before == snapshot(project)


def test_a_ci_job_can_be_added_later_and_is_never_overwritten(init: Init, project: Path) -> None:
    """With a configuration in place, only the job is written; with a job in place, nothing is."""
    init(BARE, "--no-run")

    added = init(None, "--no-run", "--ci", "gitlab")

    job = project / ".gitlab/seatrial.yml"
    assert added.exit_code == 0, added.output
    assert "seatrial check" in job.read_text()
    job.write_text("mine")
    assert init(None, "--no-run", "--ci", "gitlab").exit_code == 2
    assert job.read_text() == "mine"


def test_a_ci_job_that_was_there_first_stays(init: Init, project: Path) -> None:
    """The rest is written all the same."""
    result = init({**BARE, ".github/workflows/seatrial.yml": "mine"}, "--no-run", "--ci", "github")

    assert result.exit_code == 0, result.output
    assert (project / ".github/workflows/seatrial.yml").read_text() == "mine"
    assert load(project).app == "hello:application"


def test_every_commented_line_is_valid_once_it_is_uncommented(
    init: Init, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever fills in the stubs must not have to debug them first."""
    monkeypatch.setenv("TRIAL_PASSWORD", "hush")
    init(FACTORY, "--no-run")
    path = project / "pyproject.toml"
    path.write_text(uncommented(path.read_text()))

    settings = load(project)

    (owner,) = settings.identities
    assert (owner.login, owner.fields) == ("/auth/login", {"email": "somebody", "pass_word": "hush"})
    assert settings.oauth is not None
    assert (settings.oauth.login, settings.oauth.callback) == ("/auth/oauth/start", "/auth/oauth/callback")
    (hook,) = settings.webhooks
    assert (
        hook.path,
        hook.provider,
        hook.secret_config,
    ) == ("/billing/webhooks/stripe", "stripe", "STRIPE_WEBHOOK_SECRET")
    assert settings.rules


def test_the_whole_of_a_factory_s_configuration(init: Init, project: Path) -> None:
    """What is found without being told."""
    init(FACTORY, "--no-run")

    settings = load(project)

    assert settings.app == "shop:create_app"
    assert settings.services == ["shop/services"]
    assert settings.routes == ["shop/blueprints"]
    assert settings.sources == ["shop", "wsgi.py"]
    assert {"DATABASE_URL", "SECRET_KEY", "STRIPE_WEBHOOK_SECRET"} == settings.env.keys()
    assert "{database_url}" == settings.env["DATABASE_URL"] == settings.config["SQLALCHEMY_DATABASE_URI"]
    assert len(settings.env["SECRET_KEY"]) >= 32
    assert settings.env["STRIPE_WEBHOOK_SECRET"].startswith("whsec_")
    assert not settings.identities
    assert not settings.webhooks


def test_own_secrets_whose_default_is_computed_are_made_up(init: Init, project: Path) -> None:
    """It may come to nothing, which Flask refuses at the first form; a default that is seen is what is tried."""
    settings = (
        "import os\n\n\ndef get_secret(name, default=''):\n    return os.getenv(name, default)\n\n\n"
        "class Settings:\n    SECRET_KEY: str = os.getenv('SECRET_KEY', get_secret('KEY'))\n"
        "    SALT = os.environ.get('SALT', 'pepper')\n    REGION = os.environ.get('REGION', get_secret('ZONE'))\n"
    )
    init({**FACTORY, "shop/settings.py": settings}, "--no-run")
    env = load(project).env
    assert len(env["SECRET_KEY"]) >= 32
    assert not {"SALT", "REGION"} & env.keys()


def test_made_up_secrets_differ_from_project_to_project(init: Init, project: Path) -> None:
    """A constant would be a word that every attacker tries first."""
    init(FACTORY, "--no-run")
    first = load(project).env["SECRET_KEY"]
    (project / "pyproject.toml").write_bytes(str(FACTORY["pyproject.toml"]).encode())

    init(None, "--no-run")

    assert first != load(project).env["SECRET_KEY"]


def test_a_project_that_cannot_be_written_ends_in_a_sentence(init: Init, project: Path) -> None:
    """Here, because a folder is in the way of the file."""
    (project / "seatrial.toml").mkdir(parents=True)

    result = init(SINGLE, "--no-run")

    assert result.exit_code == 2
    assert "seatrial.toml cannot be written" in result.output


@pytest.mark.parametrize("system", ["github", "gitlab"])
def test_the_job_is_a_document_of_its_system(tmp_path: Path, system: str) -> None:
    """Every placeholder is filled, and what is left is YAML that runs the check."""
    yaml = pytest.importorskip("yaml")
    pipeline = Pipeline(system, write(tmp_path, {"Pipfile.lock": "{}"}))

    assert pipeline.write()

    text = pipeline.path.read_text()
    document = yaml.safe_load(text)
    assert "@" not in text.replace("@v", "")
    job = document["jobs"]["check"] if system == "github" else document["seatrial"]
    commands = str(job.get("steps") or [*job["before_script"], *job["script"]])
    assert "pipenv install" in commands
    assert "seatrial check " in commands


@pytest.mark.parametrize(
    ("files", "version", "install"),
    [
        ({"requirements.txt": "flask\n"}, "3.12", "pip install -r requirements.txt"),
        ({"pyproject.toml": '[project]\nrequires-python = ">=3.9"\n'}, "3.11", "pip install -e ."),
        ({".python-version": "3.13.1\n", "setup.py": ""}, "3.13", "pip install -e ."),
    ],
    ids=["requirements", "pyproject, an old Python", "setup.py"],
)
def test_the_job_uses_the_project_s_own_python_and_requirements(
    tmp_path: Path, files: dict[str, str], version: str, install: str
) -> None:
    """Never a Python below what Seatrial runs on."""
    write(tmp_path, files)

    assert (version, install) == (python_version(tmp_path), install_command(tmp_path))
