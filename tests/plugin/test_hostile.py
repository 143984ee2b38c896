"""The guards run whatever the pytest configuration of the project around them says, or the run does not end in 0."""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest
import support

import seatrial
from seatrial.model.inventory import Route
from seatrial.plugin import collector
from seatrial.plugin.aims import Aim

from .conftest import CHECKS, FLAWED, GUARDS, OF_A_ROUTE, SOUND, Harbour

OWN_NAMES = """
    import pytest

    @pytest.fixture
    def seatrial_trial():
        raise RuntimeError("means something else here")

    @pytest.fixture
    def trial():
        raise RuntimeError("means something else here")

    @pytest.fixture
    def sql_budget():
        return "the team's own"

    @pytest.fixture
    def redis():
        raise RuntimeError("needs a server")

    @pytest.fixture(autouse=True)
    def wipe(request):
        if "test_of_the_team" not in request.node.name:
            request.getfixturevalue("redis")

    @pytest.fixture(autouse=True)
    def chained(request, database):
        pass

    def pytest_runtest_setup(item):
        if "test_of_the_team" not in item.name:
            raise RuntimeError("not a test of ours")

    @pytest.fixture
    def database(request):
        if "test_of_the_team" not in request.node.name:
            raise RuntimeError("needs a server")
"""
HOOK = """
    import pytest

    def pytest_collection_modifyitems(items):
        {}
"""


def proved(done, harbour: Harbour, *, team: int = 0) -> None:
    assert done.code == 0, done.out + done.err
    outcomes = done.outcomes()
    assert outcomes["passed"] + outcomes.get("skipped", 0) == GUARDS + team, done.out
    assert done.checks()["checks"] == CHECKS
    assert "planned, but did not run" not in done.out
    assert harbour.left() == []


def test_alone_the_option_runs_the_guards_and_changes_nothing(harbour, shop):
    root = shop()
    before = support.snapshot(root)
    done = harbour.pytest(root, "--seatrial", "-v")
    proved(done, harbour)
    assert "seatrial/test_queries.py::test_statements[GET /items/ [anonymous]] PASSED" in done.out
    assert "test_of_the_team" not in done.out
    assert " PASS  exit 0 " in done.out
    assert support.snapshot(root) == before


@pytest.mark.matrix
@pytest.mark.parametrize("mode", ["prepend", "importlib", "append"])
def test_paths_run_both_beside_a_module_of_the_same_name(harbour, shop, mode):
    """And beside autouse fixtures that need services, fixtures of our names and hooks that expect something else."""
    done = harbour.pytest(shop({"conftest.py": OWN_NAMES}), "--seatrial", f"--import-mode={mode}", "tests")
    proved(done, harbour, team=1)


def test_names_markers_and_warnings_of_the_ini_file(harbour, shop):
    ini = """
        [pytest]
        strict = true
        python_files = *_spec.py
        python_functions = check_*
        python_classes = Check
        testpaths = tests
        usefixtures = redis
        empty_parameter_set_mark = fail_at_collect
        addopts = --strict-markers --strict-config -W error tests
        filterwarnings = error
    """
    if pytest.version_tuple < (9,):
        ini = ini.replace("strict = true", "")  # pytest 9 made one switch of four
    done = harbour.pytest(shop({"pytest.ini": ini, "conftest.py": OWN_NAMES}), "--seatrial")
    proved(done, harbour)


def test_ids_are_unique_where_bindings_are_not():
    one, two = (Aim(Route("GET", "/x/<thing>", endpoint)) for endpoint in ("one", "two"))
    assert collector.ids([one, Aim(Route("GET", "/y", "y")), two]) == [
        "GET /x/<thing> one [anonymous]",
        "GET /y [anonymous]",
        "GET /x/<thing> two [anonymous]",
    ]


@pytest.mark.matrix
def test_a_virtual_environment_inside_the_project(harbour, shop):
    root = shop()
    venv.create(root / ".venv", with_pip=False)
    inside = next((root / ".venv" / "lib").glob("python*")) / "site-packages"
    package = Path(seatrial.__file__).parent
    shutil.copytree(package, inside / "seatrial", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(package.parent.parent / "guards", inside / "seatrial" / "shipped" / "guards")
    done = harbour.pytest(root, "--seatrial", "-v", PYTHONPATH=str(inside))
    proved(done, harbour)
    assert "\nseatrial/test_queries.py::test_statements[GET /about [anonymous]] PASSED" in done.out


@pytest.mark.parametrize(
    ("hook", "why"),
    [
        (
            "[item.add_marker(pytest.mark.skip(reason='needs --all')) for item in items]",
            "skipped by the project's own pytest: needs --all",
        ),
        ("items[:] = [item for item in items if 'team' in item.name]", "the run ended before it reported"),
    ],
    ids=["skips", "drops"],
)
def test_a_hook_that_takes_guards_away_is_not_a_pass(harbour, shop, hook, why):
    done = harbour.pytest(shop({"conftest.py": HOOK.format(hook)}), "--seatrial", "tests")
    assert done.code == 5, done.out
    assert f"planned, but did not run: {why}" in done.one_line
    assert done.checks() == {"checks": CHECKS, "passed": 0, "failed": 0, "not proved": CHECKS}
    assert f"{CHECKS} planned checks did not run; `seatrial check` runs them without" in done.one_line


def test_deselected_guards_are_not_a_pass(harbour, shop):
    done = harbour.pytest(shop(), "--seatrial", "-k", "test_of_the_team", "tests")
    assert done.code == 5, done.out
    assert "planned, but did not run: deselected (by -k, -m, --lf or a plugin)" in done.one_line


@pytest.mark.matrix
def test_a_finding_fails_and_stops_at_the_first_where_asked(harbour, shop):
    root = shop(app=FLAWED)
    done = harbour.pytest(root, "--seatrial", "-x")
    assert done.code == 1, done.out
    assert done.outcomes()["failed"] == 1
    assert "HDR001 csp-missing: GET /about about [anonymous]: " in done.out or "HDR006 hsts: GET /items/" in done.out
    assert "planned, but did not run: the run ended before it reported" in done.one_line
    assert harbour.left() == []


@pytest.mark.matrix
def test_known_debt_passes(harbour, shop):
    root = shop(app=SOUND.replace('"Referrer-Policy": "same-origin",', ""))
    accept = ("baseline", "accept", "--rule", "HDR005", "--reason", "legacy")
    accepted = harbour.run(root, str(Path(sys.executable).with_name("seatrial")), *accept)
    assert accepted.code == 0, accepted.out + accepted.err
    done = harbour.pytest(root, "--seatrial", "--seatrial-only", "HDR005")
    assert done.code == 0, done.out
    assert "Known debt" in done.out


@pytest.mark.matrix
def test_ids_can_be_given_back(harbour, shop):
    root = shop(app=FLAWED)
    one = "seatrial/test_headers.py::test_headers[GET /items/ [anonymous]]"
    done = harbour.pytest(root, "--seatrial", one)
    assert done.code == 1
    assert done.outcomes()["failed"] == 1
    assert f"FAILED {one}" in done.out
    both = harbour.pytest(root, "--seatrial", "seatrial/test_queries.py", "tests/test_headers.py")
    assert both.outcomes()["passed"] == 3, both.out


@pytest.mark.matrix
def test_an_id_that_is_no_guards(harbour, shop):
    done = harbour.pytest(shop(), "--seatrial", "seatrial/test_queries.py::test_statements[GET /nowhere [anonymous]]")
    assert done.code == pytest.ExitCode.USAGE_ERROR
    assert "ERROR: there is no guard seatrial/test_queries.py::test_statements[GET /nowhere [anonymous]]" in done.err
    assert "pytest --seatrial --collect-only -q" in done.err
    assert "Traceback" not in done.out + done.err


def test_only_collecting_runs_nothing_and_writes_nothing(harbour, shop):
    root = shop(app=FLAWED)
    before = support.snapshot(root)
    done = harbour.pytest(root, "--seatrial", "--seatrial-route", "GET /it*", "--collect-only", "-q")
    assert done.code == 0
    ids = [line for line in done.out.splitlines() if line.startswith("seatrial/")]
    assert len(ids) == OF_A_ROUTE
    assert all("[GET /items/ [anonymous]]" in line for line in ids)
    assert " checks" not in done.out
    assert support.snapshot(root) == before
    assert harbour.left() == []


@pytest.mark.matrix
def test_a_glob_that_no_route_matches(harbour, shop):
    nothing = harbour.pytest(shop(), "--seatrial", "--seatrial-route", "/nowhere")
    assert nothing.code == 5, nothing.out
    assert "nothing was checked" in nothing.out


@pytest.mark.matrix
def test_a_module_that_cannot_be_imported_does_not_take_the_guards_along(harbour, shop):
    done = harbour.pytest(shop({"tests/test_broken.py": "import nowhere\n"}), "--seatrial", "tests")
    assert done.code == pytest.ExitCode.INTERRUPTED, "what pytest itself says of a collection error"
    assert "ERROR tests/test_broken.py" in done.out
    assert done.checks()["checks"] == CHECKS
    assert "planned, but did not run" not in done.out


def test_a_crash_of_another_plugin_is_no_pass(harbour, shop):
    crash = "def pytest_runtest_setup(item):\n    item.database\n"
    done = harbour.pytest(shop({"crash.py": crash}), "-p", "crash", "--seatrial", PYTHONPATH=".")
    assert done.code == 3, done.out
    assert "could not be run: AttributeError: 'Function' object has no attribute 'database'" in done.one_line
    assert done.checks()["not proved"] == CHECKS


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda root: (root / "seatrial.toml").unlink(), "neither this file nor seatrial.toml"),
        (lambda root: (root / "seatrial.toml").write_text('app = "shop:create_app"\nroutes = 1\nwrong = 2\n'), "wrong"),
        (lambda root: (root / "shop.py").write_text("import nowhere\n"), "nowhere"),
        (
            lambda root: (root / ".seatrial").mkdir() or (root / ".seatrial/baseline.tsv").write_text("nonsense\n"),
            "baseline.tsv",
        ),
    ],
    ids=["no configuration", "mistakes", "app", "baseline"],
)
def test_what_cannot_be_tried_is_said_in_sentences(harbour, shop, break_it, said):
    root = shop()
    break_it(root)
    done = harbour.pytest(root, "--seatrial")
    assert done.code == 2, done.out + done.err
    assert said in done.err
    assert all(line.startswith("seatrial: ") for line in done.err.splitlines()), done.err
    assert done.out == ""
    assert harbour.left() == []


@pytest.mark.matrix
def test_rules_that_do_not_exist(harbour, shop):
    done = harbour.pytest(shop(), "--seatrial", "--seatrial-only", "HDR,XYZ1")
    assert done.code == 2
    assert done.err.startswith("seatrial: --seatrial-only: XYZ1 is no rule family and no rule; there are ")


@pytest.mark.matrix
def test_through_the_entry_point(harbour, shop):
    environment = {
        name: value for name, value in harbour.environment.items() if name != "PYTEST_DISABLE_PLUGIN_AUTOLOAD"
    }
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--seatrial", "--seatrial-only", "CFG", "-q"],
        cwd=shop(),
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 checks" in done.stdout


@pytest.fixture(scope="module")
def beside(tmp_path_factory):
    """beside("pytest==8.0.*"): a folder with other versions, for PYTHONPATH."""

    def install(*requirements: str) -> str:
        folder = tmp_path_factory.mktemp("beside")
        pip = [sys.executable, "-m", "pip", "install", "-q", "--target", str(folder), *requirements]
        subprocess.run(pip, check=True, cwd=folder, capture_output=True, env={**os.environ, "PYTHONPATH": ""})
        return str(folder)

    return install


@pytest.mark.matrix
def test_the_oldest_pytest(harbour, shop, beside):
    old = beside("pytest==8.0.0")
    root = shop({"conftest.py": OWN_NAMES})
    plain = harbour.pytest(root, "--seatrial", "-v", "tests", PYTHONPATH=old)
    assert "pytest-8.0.0" in plain.out
    proved(plain, harbour, team=1)
    proved(harbour.pytest(root, "--seatrial", "-n", "2", "tests", PYTHONPATH=old), harbour, team=1)
    one = "seatrial/test_queries.py::test_statements[GET /items/ [anonymous]]"
    assert harbour.pytest(root, "--seatrial", one, PYTHONPATH=old).code == 0
    (root / "conftest.py").write_text("import pytest\n\ndef pytest_collection_modifyitems(items):\n    items.clear()\n")
    assert harbour.pytest(root, "--seatrial", PYTHONPATH=old).code == 5
    (root / "seatrial.toml").unlink()
    assert harbour.pytest(root, "--seatrial", PYTHONPATH=old).code == 2


@pytest.mark.matrix
@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_coverage_in_addopts(harbour, shop, beside, workers):
    path = beside("--no-deps", "pytest-cov", "coverage")
    root = shop({"pytest.ini": "[pytest]\naddopts = --cov=shop --cov-fail-under=90\n"})
    done = harbour.pytest(root, "-p", "pytest_cov", "--seatrial", *workers, PYTHONPATH=path)
    proved(done, harbour)
    assert "Required test coverage" not in done.out
    # With tests of their own, their coverage is theirs to judge.
    both = harbour.pytest(root, "-p", "pytest_cov", "--seatrial", *workers, "tests", PYTHONPATH=path)
    assert both.code == 1
    assert "Required test coverage of 90% not reached" in both.out + both.err
