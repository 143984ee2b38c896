"""What `ci/` ships for other systems: each valid for its system, and run as far as that goes without it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from cli.shops import NO_TOOLS, SOUND, TOP, WRITES
from support import project

from seatrial.scaffold.pipelines import SYSTEMS, Pipeline

ROOT = Path(__file__).parents[2]
CI = ROOT / "ci"
BIN = Path(sys.executable).parent


def written(system: str, folder: Path) -> Path:
    """The file as `seatrial init` writes it into a project with requirements."""
    folder.mkdir(exist_ok=True)
    (folder / "requirements.txt").write_text("flask\n")
    pipeline = Pipeline(system, folder)
    assert pipeline.write()
    assert "@INSTALL@" not in (text := pipeline.path.read_text())
    assert "@PYTHON@" not in text
    return pipeline.path


def tool(name: str) -> str:
    found = shutil.which(str(BIN / name)) or shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed here")
    return found


def valid(file: Path, schema: str) -> None:
    done = subprocess.run(
        [tool("check-jsonschema"), "--builtin-schema", schema, str(file)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def environment(**more: str) -> dict[str, str]:
    """As on a runner: our own commands are on PATH, no terminal, `CI` is set."""
    return {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "CI": "true", "NO_COLOR": "1", **more}


# ---------------------------------------------------------------------- valid for their systems
@pytest.mark.parametrize(("system", "schema"), [("github", "vendor.github-workflows"), ("gitlab", "vendor.gitlab-ci")])
def test_a_job_is_what_its_system_reads(system: str, schema: str, tmp_path: Path) -> None:
    valid(written(system, tmp_path), schema)


@pytest.mark.matrix
def test_the_composite_action_is_what_github_reads(tmp_path: Path) -> None:
    valid(CI / "github" / "action.yml", "vendor.github-actions")
    broken = tmp_path / "action.yml"
    broken.write_text((CI / "github" / "action.yml").read_text().replace("using: composite", "using: compost"))
    with pytest.raises(AssertionError):
        valid(broken, "vendor.github-actions")


def test_the_compose_file_is_what_docker_reads() -> None:
    valid(CI / "load" / "docker-compose.yml", "vendor.compose-spec")


@pytest.mark.parametrize("file", ["load/kubernetes.yml", "templates/smoke-job.yml"])
def test_objects_are_what_kubernetes_reads(file: str) -> None:
    kubernetes_validate = pytest.importorskip("kubernetes_validate")
    version = kubernetes_validate.latest_version()
    objects = [one for one in yaml.safe_load_all((CI / file).read_text()) if one]
    assert objects
    for one in objects:
        kubernetes_validate.validate(one, version, strict=True)
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(objects[-1] | {"spec": {"backoffLimits": 0}}, version, strict=True)


def test_the_image_has_no_complaint_of_the_linter(tmp_path: Path) -> None:
    file = written("docker", tmp_path)
    # Versions of Debian's and Python's packages are the team's to pin.
    command = [tool("hadolint"), "--ignore", "DL3008", "--ignore", "DL3013", str(file)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_hooks_are_what_pre_commit_reads(tmp_path: Path) -> None:
    for what, file in (
        ("validate-manifest", ROOT / ".pre-commit-hooks.yaml"),
        ("validate-config", written("pre-commit", tmp_path)),
    ):
        done = subprocess.run([tool("pre-commit"), what, str(file)], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_no_user_s_words_stand_in_a_script_of_the_action() -> None:
    """An expression inside `run` is code of whoever chose the words; as environment it is data."""
    for step in yaml.safe_load((CI / "github" / "action.yml").read_text())["runs"]["steps"]:
        assert "${{" not in step["run"]


# ---------------------------------------------------------------------- run
def step(name: str, document: dict[str, Any]) -> str:
    [found] = [one["run"] for one in document["runs"]["steps"] if one["name"] == name]
    return str(found)


def acted(root: Path, tmp_path: Path, **inputs: str) -> tuple[int, dict[str, str], str]:
    """(exit code, outputs, log) of the action's trial, with the shell that GitHub takes for `shell: bash`."""
    outputs, summary = tmp_path / "outputs", tmp_path / "summary.md"
    outputs.touch()
    script = tmp_path / "step.sh"
    script.write_text(step("Sea trials", yaml.safe_load((CI / "github" / "action.yml").read_text())))
    told = {"TARGET": ".", "ARGUMENTS": "", "REPORTS": "seatrial reports", **inputs}
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
        cwd=root,
        env=environment(GITHUB_ACTIONS="true", GITHUB_OUTPUT=str(outputs), GITHUB_STEP_SUMMARY=str(summary), **told),
        capture_output=True,
        text=True,
        timeout=300,
    )
    said = dict(line.split("=", 1) for line in outputs.read_text().splitlines())
    return done.returncode, said, done.stdout + done.stderr + (summary.read_text() if summary.exists() else "")


def test_the_action_reports_and_ends_with_the_verdict(tmp_path: Path) -> None:
    root = project(tmp_path / "app", {"shop.py": WRITES}, top=TOP, more=NO_TOOLS)
    code, outputs, log = acted(root, tmp_path, ARGUMENTS="--only SQL006,SQL009")
    assert code == 1, log
    assert outputs == {"exit-code": "1", "reports": "seatrial reports"}
    result = json.loads((root / "seatrial reports" / "seatrial.json").read_text())
    assert {check["rule"] for check in result["checks"]} == {"SQL006", "SQL009"}
    assert {one.name for one in (root / "seatrial reports").iterdir()} == {
        "seatrial.json", "seatrial.xml", "seatrial.sarif", "seatrial.html",
    }  # fmt: skip
    assert "::error" in log
    assert "SQL006" in log


@pytest.mark.matrix
def test_the_action_passes_where_nothing_blocks(tmp_path: Path) -> None:
    root = project(tmp_path / "app", {"shop.py": SOUND}, top=TOP, more=NO_TOOLS)
    code, outputs, log = acted(root, tmp_path, ARGUMENTS="--only SQL006")
    assert (code, outputs["exit-code"]) == (0, "0"), log


@pytest.mark.matrix
@pytest.mark.parametrize("system", ["github", "gitlab"])
def test_the_trial_of_a_job_runs(system: str, tmp_path: Path) -> None:
    """The very command that stands in the job, with the exit code that the runner would see."""
    root = project(tmp_path / "app", {"shop.py": WRITES}, top=TOP, more=NO_TOOLS)
    document = yaml.safe_load(written(system, root).read_text())
    steps = [one.get("run", "") for one in document["jobs"]["check"]["steps"]] if system == "github" else []
    commands = steps or document["seatrial"]["script"]
    [command] = [one for one in commands if one.startswith("seatrial check")]
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", command], cwd=root, env=environment(), capture_output=True, text=True
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert json.loads((root / "seatrial.json").read_text())["exit_code"] == 1
    assert (root / "seatrial.xml").exists()
    assert (root / "seatrial.html").exists()


def test_the_hook_stops_a_commit_and_lets_the_next_one_through(tmp_path: Path) -> None:
    """With pre-commit itself, in a repository of its own."""
    unsafe = SOUND + "\n\n    def dangling():\n        from flask import url_for\n\n        return url_for('gone')\n"
    root = project(tmp_path / "app", {"shop.py": unsafe}, top=TOP, more=NO_TOOLS)
    written("pre-commit", root)
    run = [tool("pre-commit"), "run", "--all-files"]
    for words in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *words], cwd=root, check=True)
    home = environment(PRE_COMMIT_HOME=str(tmp_path / "home"))
    done = subprocess.run(run, cwd=root, env=home, capture_output=True, text=True)
    assert done.returncode == 1, done.stdout
    assert "ARC008" in done.stdout
    project(root, {"shop.py": SOUND}, config="")
    subprocess.run(["git", "add", "."], cwd=root, check=True)
    done = subprocess.run(run, cwd=root, env=home, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_targets_of_make(tmp_path: Path) -> None:
    root = project(tmp_path / "app", {"shop.py": SOUND, "Makefile": "include seatrial.mk\n"}, top=TOP, more=NO_TOOLS)
    written("make", root)

    def make(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["make", *words], cwd=root, env=environment(), capture_output=True, text=True)

    assert make("seatrial-static").returncode == 0
    for target, variable in (("seatrial-since", "BASE"), ("seatrial-smoke", "URL")):
        refused = make(target)
        assert refused.returncode == 2
        assert f"make {target} {variable}=" in refused.stderr
    planned = make("-n", "seatrial", "seatrial-smoke", "URL=http://127.0.0.1:9").stdout
    assert "seatrial check --json build/seatrial/result.json --html build/seatrial/report.html" in planned
    assert "seatrial smoke http://127.0.0.1:9" in planned


def test_every_system_has_a_template_and_a_place_of_its_own() -> None:
    places = [place for place, _ in SYSTEMS.values()]
    assert len(set(places)) == len(places)
    assert {template for _, template in SYSTEMS.values()} == {one.name for one in (CI / "templates").iterdir()}
