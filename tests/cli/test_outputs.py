"""What `seatrial check` writes, from outside: every format of one run, and what happens where a file cannot be."""

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from cli.shops import WRITES, Ran, seatrial, shop
from support import snapshot

from seatrial.cli.outputs import Outputs, in_repository
from seatrial.model.errors import ConfigurationError

FINDS = ("check", "--static", "--only", "ARC004")
"""One finding without building the app: what is written does not depend on how it was found."""
FORMATS = {"junit": "xml", "sarif": "sarif", "gitlab": "json", "markdown": "md", "html": "html"}


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Ran]:
    """The folder of the app, that of the reports, and a run that wrote all of them."""
    folder = tmp_path_factory.mktemp("everything")
    root, out = shop(folder, WRITES), folder / "out"
    options = [word for name, ending in FORMATS.items() for word in (f"--{name}", str(out / f"report.{ending}"))]
    summary = {"GITHUB_STEP_SUMMARY": str(folder / "summary.md")}
    return root, out, seatrial(root, "check", "--only", "SQL006", *options, "--github", ci=True, **summary)


def test_one_run_writes_every_format(everything: tuple[Path, Path, Ran]) -> None:
    _, out, ran = everything
    assert ran.code == 1
    assert ran.err == "" or "seatrial:" in ran.err
    assert sorted(file.name for file in out.iterdir()) == sorted(f"report.{ending}" for ending in FORMATS.values())
    [finding] = ran.json["findings"]
    assert ElementTree.parse(out / "report.xml").getroot().get("failures") == "1"
    [result] = json.loads((out / "report.sarif").read_text())["runs"][0]["results"]
    assert result["ruleId"] == "SQL006"
    [entry] = json.loads((out / "report.json").read_text())
    assert entry["location"] == {"path": "shop.py", "lines": {"begin": finding["line"]}}
    assert "## Seatrial: BLOCKED" in (out / "report.md").read_text()
    page = (out / "report.html").read_text()
    assert "db.session.commit()" in page
    assert finding["fingerprint"] in page


def test_github_is_told_in_its_log_and_in_the_summary(everything: tuple[Path, Path, Ran]) -> None:
    _, out, ran = everything
    lines = ran.out.splitlines()
    [error] = [one for one in lines if one.startswith("::error ")]
    assert re.match(r"::error file=shop\.py,line=\d+,title=SQL006 write-on-safe-method::GET /items items", error)
    [stop] = [number for number, one in enumerate(lines) if one.startswith("::stop-commands::")]
    token = lines[stop].removeprefix("::stop-commands::")
    assert lines.index(error) < stop
    assert lines[-1] == f"::{token}::"
    assert any("BLOCKED" in one for one in lines[stop:-1])
    assert "## Seatrial: BLOCKED" in (out.parent / "summary.md").read_text()


def test_no_report_shows_a_secret_of_the_configuration(everything: tuple[Path, Path, Ran]) -> None:
    root, out, ran = everything
    secret = "0f9b2c77e1d84a53b6c9d2e8f7a1b0c4"
    assert secret in (root / "seatrial.toml").read_text()
    for file in out.iterdir():
        assert secret not in file.read_text(), file.name
    assert secret not in ran.out


def test_the_next_report_has_a_trend_and_git_sees_nothing_of_it(tmp_path: Path) -> None:
    root, page = shop(tmp_path, WRITES), tmp_path / "a.html"
    for said in ("This is the first run", "Findings over 2 runs"):
        assert seatrial(root, *FINDS, "--html", str(page)).code == 0
        assert said in page.read_text()
    assert (root / ".seatrial" / "history" / ".gitignore").read_text().endswith("*\n")
    seatrial(root, "check", "--static", "--only", "ARC", "--html", str(page))
    assert "This is the first run" in page.read_text(), "runs of another scope are no trend"


def test_without_the_html_nothing_is_kept(tmp_path: Path) -> None:
    root = shop(tmp_path, WRITES)
    before = snapshot(root)
    assert seatrial(root, *FINDS, "--sarif", str(tmp_path / "a.sarif")).code == 0
    assert snapshot(root) == before


def test_every_file_that_cannot_be_written_is_named_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    wrong = [str(tmp_path / "file" / f"report.{ending}") for ending in ("sarif", "html")]
    ran = seatrial(shop(tmp_path), "check", "--sarif", wrong[0], "--html", wrong[1])
    assert ran.code == 2
    assert ran.out == ""
    for name, path in zip(("sarif", "html"), wrong, strict=True):
        assert f"seatrial: --{name} {path} cannot be written: " in ran.err


def test_two_reports_in_one_file_are_a_mistake(tmp_path: Path) -> None:
    ran = seatrial(shop(tmp_path), "check", "--sarif", "../a.json", "--gitlab", f"{tmp_path}/a.json")
    assert ran.code == 2
    assert "--sarif and --gitlab name one file" in ran.err


def test_a_file_that_fails_after_all_costs_neither_the_others_nor_the_report(tmp_path: Path) -> None:
    root = shop(tmp_path, WRITES)
    # A folder that seems to be writable to root, and is not: nobody makes files there.
    ran = seatrial(root, *FINDS, "--sarif", "/proc/self/a.sarif", "--gitlab", f"{tmp_path}/a.json")
    assert ran.code == 2
    assert "/proc/self/a.sarif cannot be written" in ran.err
    if os.access("/proc/self", os.W_OK):
        assert "ARC004" in ran.out
        assert json.loads((tmp_path / "a.json").read_text())


def test_a_read_only_checkout_costs_the_trend_alone(tmp_path: Path) -> None:
    root = shop(tmp_path, WRITES)
    (root / ".seatrial").mkdir()
    (root / ".seatrial" / "history").write_text("a file where the folder should be")
    ran = seatrial(root, *FINDS, "--html", str(tmp_path / "a.html"))
    assert ran.code == 0
    assert "seatrial: " in ran.err
    assert "The report has no trend without it; nothing else needs it." in ran.err
    assert "This is the first run" in (tmp_path / "a.html").read_text()


def test_replay_takes_no_reports(tmp_path: Path) -> None:
    ran = seatrial(shop(tmp_path), "check", "--replay", "abcdef12", "--html", "a.html", "--github", json_result=False)
    assert ran.code == 2
    assert "leave --html, --github away" in ran.err


def test_without_git_without_a_terminal_without_colours(tmp_path: Path) -> None:
    root = shop(tmp_path, WRITES, more='[tool.seatrial.rules]\nARC004 = "warn"')
    folder = tmp_path / "bin"
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "seatrial", *FINDS, "--html", "../a.html", "--markdown", "../a.md", "--github"],
        cwd=root,
        env={"PATH": str(folder), "NO_COLOR": "1", "TERM": "dumb", "LC_ALL": "C", "HOME": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "no job summary: GITHUB_STEP_SUMMARY is not set" in done.stderr
    assert "::warning file=shop.py," in done.stdout
    assert "\x1b" not in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize("kind", ["clone", "worktree", "workspace", "nothing"])
def test_paths_begin_where_the_repository_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    root = tmp_path / "services" / "shop"
    root.mkdir(parents=True)
    for name in ("GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
        monkeypatch.delenv(name, raising=False)
    if kind == "clone":
        (tmp_path / ".git").mkdir()
    elif kind == "worktree":
        (tmp_path / ".git").write_text("gitdir: elsewhere\n")
    elif kind == "workspace":
        monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    assert in_repository(root) == ("" if kind == "nothing" else "services/shop")


def test_what_is_asked_is_told(tmp_path: Path) -> None:
    outputs = Outputs({"html": tmp_path / "a.html", "junit": tmp_path / "a.xml"}, github=True)
    assert outputs.asked == ["--html", "--junit", "--github"]
    assert outputs.whole == str(tmp_path / "a.html")
    outputs.check()
    with pytest.raises(ConfigurationError, match="one file"):
        Outputs({"html": tmp_path / "a", "junit": tmp_path / "a"}).check()
