"""Every adapter against the real tool: clean, findings, and above all what is broken."""

import json
import os
import stat
import sys
import venv
from collections.abc import Callable
from pathlib import Path

import pytest
from gates.conftest import settings, snapshot, write

from seatrial.config import Deadlines, Gates
from seatrial.gates import GATES, GateResult, run_gates
from seatrial.model.outcomes import Level, ToolState

Gate = Callable[..., GateResult]
AllGates = Callable[..., dict[str, GateResult]]

FLAWED = 'import os\n\n\ndef half(value: int) -> str:\n    password = "hunter2"\n    return value\n'


STATIC = ("ruff", "mypy", "bandit")


def test_a_clean_project_is_clean(gates: AllGates, project: Path) -> None:
    before = snapshot(project)
    results = gates(*GATES)
    for tool, result in results.items():
        assert (result.run.name, result.run.state, result.run.message) == (tool, ToolState.OK, "")
        assert result.run.version[0].isdigit()
        assert result.findings == ()
    assert {tool: result.checked for tool, result in results.items()} == {
        "ruff": 3,
        "mypy": 3,
        "bandit": 2,
        "pytest": 1,
    }
    assert snapshot(project) == before, "a gate must leave the real tree as it is"


def test_findings(gates: AllGates, project: Path) -> None:
    write(project, {"app/flawed.py": FLAWED})
    before = snapshot(project)
    results = gates(*STATIC)
    for tool, rule, name, line in (
        ("ruff", "ruff:F401", "unused-import", 1),
        ("mypy", "mypy:return-value", "return-value", 6),
        ("bandit", "bandit:B105", "hardcoded-password-string", 5),
    ):
        result = results[tool]
        assert result.run.state is ToolState.FINDINGS
        assert result.run.findings == len(result.findings)
        (finding,) = (f for f in result.findings if f.rule == rule)
        assert (finding.tool, finding.name, finding.level) == (tool, name, Level.BLOCK)
        assert finding.subject == "app/flawed.py"
        assert finding.place is not None
        assert (finding.place.path, finding.place.line) == ("app/flawed.py", line)
        assert finding.place.text == FLAWED.split("\n")[line - 1]
        assert str(project) not in finding.message
        assert "hunter2" not in finding.message
        json.dumps(finding.evidence)
    assert snapshot(project) == before


def test_a_syntax_error_is_broken_never_findings(gates: AllGates, project: Path) -> None:
    write(project, {"app/flawed.py": FLAWED, "app/bad.py": "def (\n"})
    for result in gates(*STATIC).values():
        assert result.run.state is ToolState.BROKEN
        assert result.findings == ()
        assert "app/bad.py" in result.run.message
        assert "; " in result.run.message
        assert str(project) not in result.run.message


@pytest.mark.parametrize(
    ("tools", "files"),
    [
        (
            GATES,
            {
                "ruff.toml": "= =\n",
                # mypy only mumbles about this one, and goes on without it.
                "mypy.ini": "[mypy]\nstrict = maybe\n",
                "pyproject.toml": "[tool.bandit]\nskips = 3\n",
                "pytest.ini": "[pytest]\naddopts = --no-such-option\n",
            },
        ),
        (
            ("ruff", "mypy"),
            {"pyproject.toml": "[tool.ruff]\nline-lenght = 3\n[tool.mypy]\nstrictt = true\n"},
        ),
        (
            ("mypy", "bandit"),
            {"pyproject.toml": "[tool.bandit\n", "mypy.ini": "[mypy]\nplugins = no.such.plugin\n"},
        ),
    ],
)
def test_a_bad_configuration_is_broken(
    gates: AllGates, project: Path, tools: tuple[str, ...], files: dict[str, str]
) -> None:
    write(project, files)
    for result in gates(*tools).values():
        assert result.run.state is ToolState.BROKEN, result
        assert len(result.run.message) > 40
        assert "\n" not in result.run.message


@pytest.fixture
def bare_python(tmp_path: Path) -> str:
    """A Python of its own without any package."""
    venv.EnvBuilder(with_pip=False, symlinks=True).create(tmp_path / "bare")
    return str(tmp_path / "bare/bin/python")


def test_a_missing_tool_is_broken(gates: AllGates, bare_python: str) -> None:
    for tool, result in gates(*GATES, python=bare_python).items():
        assert result.run.state is ToolState.BROKEN
        assert result.run.message == (
            f"{tool} is not installed beside the app; pip install 'seatrial[tools]', "
            f'or set {tool} = "off" in [tool.seatrial.gates]'
        )


def test_a_python_that_cannot_run_is_broken(gate: Gate, tmp_path: Path) -> None:
    assert gate("ruff", python=str(tmp_path / "gone")).run.state is ToolState.BROKEN
    fake = tmp_path / "python"
    fake.write_text("#!/bin/sh\necho nonsense\n")
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    assert gate("ruff", python=str(fake)).run.state is ToolState.BROKEN


def fake_python(tmp_path: Path, tool: str, script: str) -> str:
    """The real Python, but `-m tool` runs a shell script: what a tool of another day or a crash would answer."""
    fake = tmp_path / "fake-python"
    fake.write_text(f'#!/bin/sh\ncase "$*" in *"-m {tool}"*) {script};; *) exec "{sys.executable}" "$@";; esac\n')
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    return str(fake)


@pytest.mark.parametrize(
    ("script", "piece"),
    [
        ("echo nonsense; exit 1", ""),
        ("exit 1", ""),
        ("echo nonsense; exit 0", ""),
        ("echo error: out of luck >&2; exit 2", "out of luck"),
        ("exit 77", "exit code 77"),
        ("kill -9 $$", "SIGKILL (often: out of memory)"),
        ("kill -11 $$", "SIGSEGV"),
    ],
)
def test_what_does_not_add_up_is_broken(gates: AllGates, tmp_path: Path, script: str, piece: str) -> None:
    for result in gates(*GATES, python=fake_python(tmp_path, "", script)).values():
        assert result.run.state is ToolState.BROKEN, result
        assert piece in result.run.message
        assert result.findings == ()


def test_a_timeout_is_broken(gates: AllGates, tmp_path: Path) -> None:
    results = gates(*GATES, python=fake_python(tmp_path, "", "sleep 60"), deadlines=Deadlines(tool_s=0.3))
    for result in results.values():
        assert result.run.state is ToolState.BROKEN
        assert "did not finish within 0.3 s; raise tool_s in [tool.seatrial.deadlines]" in result.run.message


def test_a_source_that_is_not_utf8(gates: AllGates, project: Path) -> None:
    declared = '# -*- coding: latin-1 -*-\nimport os\nname: int = "café"\npassword = "café"\n'.encode("latin-1")
    write(project, {"app/latin.py": declared})
    results = gates(*STATIC)
    assert "app/latin.py" in results["ruff"].run.message, "ruff insists on UTF-8, and says so"
    assert results["ruff"].run.state is ToolState.BROKEN
    for tool in ("mypy", "bandit"):
        (place,) = (f.place for f in results[tool].findings if f.place and f.place.path == "app/latin.py")
        assert "café" in place.text


def test_nothing_to_check_is_not_clean(gates: AllGates, project: Path) -> None:
    write(project, {"empty/readme.txt": ""})
    assert {result.run.state for result in gates(*STATIC, sources=["empty"]).values()} == {ToolState.BROKEN}


def test_only_the_sources_are_checked(gates: AllGates, project: Path) -> None:
    write(project, {"scripts/flawed.py": FLAWED})
    assert {result.run.state for result in gates(*STATIC, sources=["app"]).values()} == {ToolState.OK}


def test_an_environment_inside_the_project_is_not_its_code(gates: AllGates, project: Path) -> None:
    write(project, {f"{name}/lib/python3/site-packages/flawed.py": FLAWED for name in (".venv", "venv", "env")})
    write(project, {"env/pyvenv.cfg": "", "venv/pyvenv.cfg": "", "venv/bin/activate_this.py": FLAWED})
    assert {tool: result.run.state for tool, result in gates(*STATIC).items()} == dict.fromkeys(STATIC, ToolState.OK)


def test_a_rule_of_a_tool_has_a_level_of_its_own(gate: Gate, project: Path) -> None:
    write(project, {"app/flawed.py": FLAWED + "x=1\n"})
    rules = {"ruff:F401": Level.WARN, "ruff:F841": Level.OFF, "ruff:format": Level.OFF}
    levels = {f.rule: f.level for f in gate("ruff", rules=rules).findings}
    assert levels["ruff:F401"] is Level.WARN
    assert not {"ruff:F841", "ruff:format"} & set(levels)


def test_the_level_is_the_gates(gate: Gate, project: Path) -> None:
    write(project, {"app/flawed.py": FLAWED})
    off = Level.OFF
    result = gate("mypy", gates=Gates(ruff=off, mypy=Level.WARN, bandit=off, pytest=off))
    assert {f.level for f in result.findings} == {Level.WARN}
    assert result.run.level == "warn"


class TestRuff:
    def test_format_is_one_finding_for_each_file(self, gate: Gate, project: Path) -> None:
        write(project, {"app/a.py": "x=1\ny=2\n", "app/b.py": "z=1\n"})
        found = [f for f in gate("ruff").findings if f.rule == "ruff:format"]
        assert [(f.subject, f.detail) for f in found] == [("app/a.py", "format"), ("app/b.py", "format")]
        assert found[0].fingerprint != found[1].fingerprint

    def test_the_targets_own_fix_does_not_touch_its_files(self, gate: Gate, project: Path) -> None:
        write(project, {"app/flawed.py": FLAWED, "pyproject.toml": "[tool.ruff]\nfix = true\nunsafe-fixes = true\n"})
        before = snapshot(project)
        assert "ruff:F401" in {f.rule for f in gate("ruff").findings}
        assert snapshot(project) == before

    def test_the_targets_own_selection_counts(self, gate: Gate, project: Path) -> None:
        write(project, {"app/flawed.py": FLAWED, "pyproject.toml": '[tool.ruff.lint]\nselect = ["E9"]\n'})
        assert gate("ruff").run.state is ToolState.OK

    def test_a_moved_line_keeps_its_fingerprint(self, gate: Gate, project: Path) -> None:
        write(project, {"app/flawed.py": FLAWED})
        before = {f.fingerprint for f in gate("ruff").findings}
        write(project, {"app/flawed.py": "# A comment.\n" + FLAWED})
        assert {f.fingerprint for f in gate("ruff").findings} == before

    def test_an_older_format_without_json(self, gate: Gate, project: Path, tmp_path: Path) -> None:
        script = """case "$*" in
            *"ruff format"*"--output-format"*) echo "error: unexpected argument '--output-format' found" >&2; exit 2;;
            *"ruff format"*) printf 'Would reformat: app/core.py\\n1 file would be reformatted\\n'; exit 1;;
            *--show-files*) echo app/core.py;;
            *) echo '[]';;
        esac"""
        (finding,) = gate("ruff", python=fake_python(tmp_path, "ruff", script)).findings
        assert (finding.rule, finding.subject) == ("ruff:format", "app/core.py")


class TestMypy:
    @pytest.mark.matrix
    def test_the_targets_display_options_do_not_matter(self, gate: Gate, project: Path) -> None:
        options = "pretty = true\nshow_error_context = true\nhide_error_codes = true\nerror_summary = false\n"
        write(project, {"app/flawed.py": FLAWED, "mypy.ini": f"[mypy]\n{options}show_absolute_path = true\n"})
        (finding,) = gate("mypy").findings
        assert (finding.rule, finding.subject) == ("mypy:return-value", "app/flawed.py")

    def test_the_targets_own_files_count_where_sources_is_unset(self, gate: Gate, project: Path) -> None:
        write(project, {"app/flawed.py": FLAWED, "pyproject.toml": '[tool.mypy]\nfiles = ["app/core.py"]\n'})
        assert gate("mypy").checked == 1
        assert gate("mypy", sources=["app"]).checked == 3

    def test_the_cache_is_outside_unless_there_is_one(self, gate: Gate, project: Path, tmp_path: Path) -> None:
        gate("mypy")
        assert not (project / ".mypy_cache").exists()
        (cache,) = (tmp_path / "user cache/seatrial/mypy").iterdir()
        assert len(list(cache.iterdir())) > 1
        (project / ".mypy_cache").mkdir()
        gate("mypy")
        assert any((project / ".mypy_cache").iterdir())

    @pytest.mark.matrix
    def test_a_plugin_of_the_target_leaves_no_bytecode(
        self, gate: Gate, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        plugin = "from mypy.plugin import Plugin\n\n\ndef plugin(version: str) -> type[Plugin]:\n    return Plugin\n"
        write(project, {"plug.py": plugin, "mypy.ini": "[mypy]\nplugins = plug.py\n"})
        before = snapshot(project)
        assert gate("mypy").run.state is ToolState.OK
        assert snapshot(project) == before

    @pytest.mark.matrix
    def test_a_warm_run_says_the_same(self, gate: Gate, project: Path) -> None:
        write(project, {"app/flawed.py": FLAWED})
        cold, warm = gate("mypy"), gate("mypy")
        assert cold.findings == warm.findings
        assert cold.checked == warm.checked

    def test_findings_outside_the_tree_are_not_the_targets(self, gate: Gate, project: Path, tmp_path: Path) -> None:
        write(tmp_path / "elsewhere", {"lib.py": FLAWED})
        write(
            project, {"mypy.ini": f"[mypy]\nmypy_path = {tmp_path}/elsewhere\n", "app/uses.py": "import lib  # noqa\n"}
        )
        result = gate("mypy")
        assert (result.run.state, result.findings) == (ToolState.OK, ())


class TestBandit:
    def test_tests_are_left_out_unless_bandit_is_configured(self, gate: Gate, project: Path) -> None:
        write(project, {"tests/test_flawed.py": FLAWED, "app/rebuild.py": FLAWED})
        assert {f.subject for f in gate("bandit").findings} == {"app/rebuild.py"}
        write(project, {"pyproject.toml": '[tool.bandit]\nskips = ["B101"]\n'})
        assert {f.subject for f in gate("bandit").findings} == {"app/rebuild.py", "tests/test_flawed.py"}

    def test_its_own_exclusions_count(self, gate: Gate, project: Path) -> None:
        write(
            project, {"app/flawed.py": FLAWED, "pyproject.toml": '[tool.bandit]\nexclude_dirs = ["flawed", "tests"]\n'}
        )
        assert gate("bandit").run.state is ToolState.OK


def suite(body: str) -> str:
    return f"import pytest\n\n{body}\n"


class TestPytest:
    def test_failures_and_errors_by_their_ids(self, gate: Gate, project: Path) -> None:
        body = (
            "class TestA:\n    class TestB:\n"
            "        @pytest.mark.parametrize('v', ['a/b.c', 'd'])\n        def test_x(self, v): assert v == 'd'\n"
            "@pytest.fixture\ndef broken(): raise RuntimeError('no')\n"
            "def test_setup(broken): pass\n"
            "@pytest.mark.xfail\ndef test_known(): assert 0\n"
        )
        write(project, {"tests/unit/test_y.py": suite(body)})
        result = gate("pytest")
        assert result.run.state is ToolState.FINDINGS
        assert [(f.rule, f.name, f.subject) for f in result.findings] == [
            ("pytest:failed", "test-failed", "tests/unit/test_y.py::TestA::TestB::test_x[a/b.c]"),
            ("pytest:error", "test-error", "tests/unit/test_y.py::test_setup"),
        ]
        assert result.findings[0].place is not None
        assert (result.findings[0].place.path, result.findings[0].place.line) == ("tests/unit/test_y.py", 5)
        assert len({f.fingerprint for f in result.findings}) == 2
        assert result.checked == 5

    def test_an_inherited_test_belongs_to_who_collects_it(self, gate: Gate, project: Path) -> None:
        write(
            project,
            {
                "tests/__init__.py": "",
                "tests/base.py": "class Base:\n    def test_it(self):\n        assert 0\n",
                "tests/test_child.py": "from tests.base import Base\n\nclass TestChild(Base):\n    pass\n",
            },
        )
        (finding,) = gate("pytest").findings
        assert finding.subject == "tests/test_child.py::TestChild::test_it"

    def test_a_suite_that_writes_leaves_the_real_tree_alone(
        self, gate: Gate, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "temporary").mkdir()
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
        monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
        body = (
            "import pathlib, tempfile, app.core\n"
            "def test_write(tmp_path, cache):\n"
            "    pathlib.Path('left.txt').touch()\n    pathlib.Path(app.core.__file__).write_text('x = 1')\n"
            "    (tmp_path / 'x').touch()\n    tempfile.mkdtemp()\n    cache.set('a/b', 1)\n"
        )
        write(project, {"tests/test_writes.py": suite(body)})
        before = snapshot(project)
        assert gate("pytest").run.state is ToolState.OK
        assert snapshot(project) == before
        assert (tmp_path / "copy/left.txt").exists()
        assert list((tmp_path / "temporary").iterdir()) == [], "temporary files of the suite are gone"

    @pytest.mark.matrix
    def test_an_editable_install_of_the_real_tree_does_not_win(
        self, gate: Gate, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(project, {"src/shop/__init__.py": "", "tests/test_shop.py": suite("import shop, os\ndef test_where():\n"
            "    assert shop.__file__.startswith(os.getcwd())\n")})  # fmt: skip
        monkeypatch.setenv("PYTHONPATH", str(project / "src"))
        assert gate("pytest").run.state is ToolState.OK

    def test_no_tests_is_broken(self, gate: Gate, project: Path) -> None:
        (project / "tests/test_core.py").unlink()
        result = gate("pytest")
        assert result.run.state is ToolState.BROKEN
        assert result.run.message == (
            "pytest collected no tests; set testpaths in its configuration, "
            'or set pytest = "off" in [tool.seatrial.gates]'
        )

    def test_all_skipped_is_broken(self, gate: Gate, project: Path) -> None:
        write(project, {"tests/test_core.py": suite("pytestmark = pytest.mark.skip\ndef test_a(): pass")})
        assert "all 1 were skipped" in gate("pytest").run.message

    @pytest.mark.parametrize("addopts", ["", "--continue-on-collection-errors"])
    def test_a_module_that_cannot_be_collected_is_broken(self, gate: Gate, project: Path, addopts: str) -> None:
        write(
            project, {"tests/test_gone.py": "import no_such_thing\n", "pytest.ini": f"[pytest]\naddopts = {addopts}\n"}
        )
        result = gate("pytest")
        assert result.run.state is ToolState.BROKEN
        assert "could not collect tests/test_gone.py: ModuleNotFoundError" in result.run.message

    def test_a_conftest_that_fails_is_broken(self, gate: Gate, project: Path) -> None:
        write(project, {"conftest.py": "raise RuntimeError('no')\n"})
        assert gate("pytest").run.state is ToolState.BROKEN

    def test_a_crash_in_the_middle_is_broken(self, gate: Gate, project: Path) -> None:
        write(project, {"tests/test_dies.py": "import os\ndef test_dies(): os._exit(0)\n"})
        assert gate("pytest").run.state is ToolState.BROKEN

    @pytest.mark.matrix
    def test_stopping_at_the_first_failure_hides_nothing(self, gate: Gate, project: Path) -> None:
        write(project, {"tests/test_two.py": "def test_a(): assert 0\n\n\ndef test_b(): assert 0\n"})
        write(project, {"pytest.ini": "[pytest]\naddopts = -x --lf\n"})
        assert len(gate("pytest").findings) == 2

    def test_a_demand_of_a_plugin_is_a_finding(self, gate: Gate, project: Path) -> None:
        hook = "def pytest_sessionfinish(session):\n    print('FAIL coverage is 3 %')\n    session.exitstatus = 1\n"
        write(project, {"conftest.py": hook})
        (finding,) = gate("pytest").findings
        assert finding.rule == "pytest:session"
        assert "FAIL coverage is 3 %" in finding.message

    @pytest.mark.matrix
    def test_a_suppressed_exit_code_hides_nothing(self, gate: Gate, project: Path) -> None:
        hook = "def pytest_sessionfinish(session):\n    session.exitstatus = 0\n"
        write(project, {"conftest.py": hook, "tests/test_bad.py": "def test_bad(): assert 0\n"})
        assert gate("pytest").run.state is ToolState.FINDINGS

    def test_our_variables_and_plugin_are_not_in_it(
        self, gate: Gate, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SEATRIAL_DATABASE_URL", "postgresql://x")
        monkeypatch.setenv("PYTEST_ADDOPTS", "-k nothing")
        monkeypatch.setenv("KEPT", "yes")
        body = (
            "import os\ndef test_clean(pytestconfig):\n"
            "    assert [k for k in os.environ if k.startswith('SEATRIAL_')] == ['SEATRIAL_GATE']\n"
            "    assert os.environ['KEPT'] == 'yes'\n"
            "    assert not pytestconfig.pluginmanager.hasplugin('seatrial-guards')\n"
            "import pytest\n@pytest.mark.max_statements(0)\ndef test_budget(sql_budget):\n"
            "    with sql_budget(0):\n        assert True\n"
        )
        ini = "[pytest]\naddopts = --seatrial --strict-markers\n"
        write(project, {"tests/test_environment.py": suite(body), "pytest.ini": ini})
        assert gate("pytest").run.state is ToolState.OK

    def test_without_a_copy_it_is_broken(self, project: Path) -> None:

        (result,) = run_gates(settings(project, "pytest"), root=project, copy=None)
        assert result.run.state is ToolState.BROKEN
        assert "working copy" in result.run.message

    def test_messages_carry_no_paths_of_this_machine(self, gate: Gate, project: Path, tmp_path: Path) -> None:
        body = "def test_a(tmp_path): open(tmp_path / 'gone')\ndef test_b(): open(__file__ + 'x')\n"
        write(project, {"tests/test_paths.py": suite(body)})
        for finding in gate("pytest").findings:
            assert str(tmp_path) not in finding.message
            assert os.path.realpath(str(tmp_path)) not in finding.message
