"""The site: built as `make site` does it, with every link followed and nothing from elsewhere."""

import fcntl
import http.server
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from docs.pages import ROOT, job
from reports.browsing import NEEDED, chromium

SITE = ROOT / "build" / "site"


@pytest.fixture(scope="module")
def site(testrun_uid: str) -> Path:
    # Built once in a run: the workers that the tests are shared among would take the folder from each other.
    SITE.parent.mkdir(exist_ok=True)
    with (SITE.parent / "site.lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.seek(0)
        if lock.read() != testrun_uid:
            build_it()
            lock.truncate(0)
            lock.write(testrun_uid)
    return SITE


def build_it() -> None:
    # A proxy that nobody answers: whatever wanted the network would fail.
    environment = os.environ | dict.fromkeys(("http_proxy", "https_proxy", "ALL_PROXY"), "http://127.0.0.1:9")
    done = subprocess.run(
        [sys.executable, ROOT / "ci" / "site_job.py"], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.matrix
def test_site_has_every_page_and_no_broken_link(site: Path) -> None:
    pages = {path.relative_to(site).as_posix() for path in site.rglob("*.html")}
    wanted = {path.relative_to(ROOT).with_suffix(".html").as_posix() for path in ROOT.glob("docs/**/*.md")}
    wanted = {name.replace("README.html", "index.html") for name in wanted}
    assert wanted | {"index.html", "CONTRIBUTING.html", "CHANGELOG.html"} <= pages


@pytest.mark.matrix
def test_lists_and_blocks_are_what_a_forge_shows(site: Path) -> None:
    """Python-Markdown wants four spaces below a number; with three the list ends and the block is prose."""
    for path in site.rglob("*.html"):
        assert "<p>```" not in path.read_text(encoding="utf-8"), path
    assert (site / "index.html").read_text(encoding="utf-8").count("<ol>") == 1


@pytest.fixture(scope="module")
def served(site: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object, **options: object) -> None:
            super().__init__(*arguments, directory=str(site), **options)  # type: ignore[arg-type]

        def log_message(self, *_: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@NEEDED
@pytest.mark.matrix
def test_browser_asks_nobody_else_and_the_search_finds(served: str) -> None:
    from playwright.sync_api import expect

    with chromium() as browser:
        page = browser.new_page()
        page.set_default_timeout(60_000)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{served}/docs/concepts.html")
        page.get_by_role("button", name="Search").first.click()
        page.keyboard.type("open-redirect")
        # The list follows the typing: on a busy machine it shows for a moment what half of the word found.
        expect(page.get_by_role("option").first).to_have_attribute("href", re.compile("RED001"), timeout=60_000)
        assert f"{served}/search.json" in asked
        assert [url for url in asked if not url.startswith((served, "data:", "blob:"))] == []


# ---------------------------------------------------------------------- what the job would notice
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('<a href="gone.html">x</a>', "gone.html leads nowhere"),
        ('<a href="other.html#gone">x</a>', "other.html#gone has no such anchor"),
        ('<a href="#gone">x</a>', "#gone has no such anchor"),
        ('<img src="gone.svg">', "gone.svg leads nowhere"),
        ('<script src="https://unpkg.com/x"></script>', "https://unpkg.com/x would be fetched from elsewhere"),
        ('<link rel="stylesheet" href="//fonts.example/a">', "//fonts.example/a would be fetched from elsewhere"),
        ('<style></style><iframe src="http://a.example"></iframe>', "http://a.example would be fetched from elsewhere"),
    ],
)
def test_what_is_wrong_with_a_page_is_named(body: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "other.html").write_text('<h2 id="here">Here</h2>')
    (tmp_path / "index.html").write_text(body)
    assert job("site_job").broken(tmp_path) == [f"index.html: {said}"]


def test_what_a_style_sheet_fetches_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("@font-face { src: url('https://fonts.example/a.woff2') }")
    assert job("site_job").broken(tmp_path) == ["a.css: https://fonts.example/a.woff2 would be fetched from elsewhere"]


def test_links_that_lead_somewhere(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "index.html").write_text('<h2 id="here">Here</h2>')
    (tmp_path / "b.html").write_text(
        '<a href="a/index.html#here"></a><a href="https://a.example"></a><a href="a">x</a>'
    )
    assert job("site_job").broken(tmp_path) == []


def test_menu_names_what_is_not_there_and_what_it_leaves_out() -> None:
    entries = [{"Home": "README.md"}, {"More": ["docs/gone.md", {"Kept": "docs/kept.md"}]}]
    built, problems = job("site_job").menu(entries, {"README.md", "docs/kept.md", "docs/new.md"})
    assert built == [{"Home": "README.md"}, {"More": [{"Kept": "docs/kept.md"}]}]
    assert problems == [
        "site.toml: the menu names docs/gone.md, which is not there",
        "site.toml: docs/new.md is in no menu; add it to nav",
    ]


def test_pages_are_followed_and_folders_give_way(tmp_path: Path) -> None:
    for folder in ("with", "without"):
        (tmp_path / folder).mkdir()
    (tmp_path / "with" / "README.md").write_text("[file](code.py)")
    (tmp_path / "with" / "code.py").write_text("")
    (tmp_path / "README.md").write_text("[a](with) [`b`](without) `[c](with)` [d](https://e.example)\n")
    gathered = job("site_job").gather(tmp_path, [tmp_path / "README.md"])
    assert gathered == {
        Path("README.md"): "[a](with/README.md) `b` `[c](with)` [d](https://e.example)\n",
        Path("with/README.md"): "[file](code.py)",
        Path("with/code.py"): None,
    }
