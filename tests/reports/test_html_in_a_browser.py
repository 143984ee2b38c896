"""The HTML report as people meet it: opened from a file, by day and by night, with the keyboard, on paper."""

from contextlib import contextmanager
from importlib import resources
from pathlib import Path

import pytest
from reports.browsing import NEEDED, chromium
from reports.samples import decided, everything, hostile, many
from reports.test_html import crash, growth, html, shop

pytestmark = NEEDED


def showcase():
    """Something of everything, with a slope and a crash point."""
    result = everything()
    bare = [judged for judged in result.findings if judged.finding.rule != "SQL001"]
    result.findings = [*bare, *growth().findings, *crash().findings]
    return decided(result)


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    root = shop(folder)
    for name, result in {"showcase": showcase(), "hostile": hostile(), "many": many(10_000)}.items():
        (folder / f"{name}.html").write_text(html(result, root=root), encoding="utf-8")
    return folder


@contextmanager
def opened(browser, file: Path, **options):
    """The page, and everything that went wrong on it; nothing may."""
    context = browser.new_context(**{"viewport": {"width": 1200, "height": 900}, **options})
    page = context.new_page()
    wrong = []
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: None if request.url.startswith("file:") else wrong.append(request.url))
    page.on("dialog", lambda dialog: (wrong.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.goto(file.as_uri())
    try:
        yield page
        assert wrong == []
    finally:
        context.close()


def shown(page):
    return page.locator("#list > li:visible").count()


def test_findings_are_listed_and_filtered(browser, files):
    with opened(browser, files / "showcase.html") as page:
        assert page.locator("#shown").inner_text() == "6 of 7 findings"
        page.select_option("#state", "")
        assert shown(page) == 7
        page.fill("#search", "ITEMS sql001")
        assert page.locator("#shown").inner_text() == "1 of 7 findings"
        page.fill("#search", "")
        page.select_option("#level", "warn")
        assert shown(page) == 1
        page.select_option("#level", "")
        page.select_option("#family", "WHK")
        assert page.locator("#list .subject").all_inner_texts() == ["webhook /hooks"]


def test_a_finding_is_opened_and_shows_what_proves_it(browser, files):
    with opened(browser, files / "showcase.html") as page:
        page.fill("#search", "one per item")
        page.locator("#list summary").click()
        inside = page.locator("#list .inside")
        inside.locator("svg").wait_for()  # drawn when it is opened, a moment after the click
        assert inside.locator("svg circle").count() == 4
        text = inside.inner_text()
        for part in ("SELECT lot.id FROM lot", "line 10", "GET /items/", "seatrial check --replay"):
            assert part in text
        page.fill("#search", "applied twice")
        page.locator("#list summary").click()
        page.locator("#list .diff .more").first.wait_for()
        assert "+ " in page.evaluate(
            "getComputedStyle(document.querySelector('#list .diff .more'), '::before').content"
        )


def test_beyond_those_with_a_drawn_proof_the_evidence_is_shown_as_it_is(browser, files):
    with opened(browser, files / "many.html") as page:
        page.fill("#search", "items.page9001")
        page.select_option("#state", "")
        assert shown(page) == 1
        page.locator("#list summary").click()
        page.locator("#list .inside pre").first.wait_for()
        assert '"slope": 1' in page.locator("#list .inside").inner_text()


def test_ten_thousand_findings_are_drawn_as_far_as_they_are_looked_at(browser, files):
    with opened(browser, files / "many.html") as page:
        assert page.locator("#shown").inner_text() == "9,000 of 10,000 findings"
        assert shown(page) == 100
        page.locator("#more").click()
        assert shown(page) == 200
        assert page.evaluate("document.activeElement === document.querySelectorAll('#list summary')[100]")


def test_hostile_text_does_nothing(browser, files):
    with opened(browser, files / "hostile.html") as page:
        page.select_option("#state", "")
        for summary in page.locator("#list summary").all():
            summary.click()
        assert page.locator("img").count() == 0
        assert page.locator("main a:not([href^='#'])").count() == 0
        assert "<script>alert(1)</script>" in page.locator("#list").inner_text()


def test_it_is_used_with_the_keyboard_alone(browser, files):
    with opened(browser, files / "showcase.html") as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        page.keyboard.press("/")
        assert page.evaluate("document.activeElement.id") == "search"
        page.keyboard.type("a/b")
        assert page.input_value("#search") == "a/b"
        page.fill("#search", "old debt")
        page.focus("#family")
        page.select_option("#state", "")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
        page.keyboard.press("Enter")
        assert page.locator("#list details[open]").count() == 1


def test_routes_are_sorted_and_filtered(browser, files):
    with opened(browser, files / "showcase.html") as page:
        first = page.locator("#route-table tbody tr td:first-child code").first
        assert first.inner_text() == "GET /r11"
        page.click("#route-table th button[data-column='0']")
        assert first.inner_text() == "GET /r0"
        assert page.locator("#route-table th[aria-sort=ascending]").inner_text().startswith("Route")
        page.fill("#route-search", "r7 owner")
        assert page.locator("#routes-shown").inner_text() == "1 of 12 routes"
        assert page.locator("#route-table svg.spark").get_attribute("aria-label") == "statements of the last 1 runs: 7"


def paper(page):
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_day_and_night_follow_the_system_and_the_button(browser, files):
    with opened(browser, files / "showcase.html", color_scheme="light") as page:
        day = paper(page)
        for expected in (day, "rgb(18, 22, 28)", day):
            page.click("#theme")
            assert paper(page) == expected
    with opened(browser, files / "showcase.html", color_scheme="dark") as page:
        assert paper(page) == "rgb(18, 22, 28)"
        page.click("#theme")
        assert paper(page) == day == "rgb(255, 255, 255)"


def test_it_is_printed_on_white_without_its_controls(browser, files):
    with opened(browser, files / "showcase.html", color_scheme="dark") as page:
        page.click("#theme")
        page.click("#theme")
        page.emulate_media(media="print")
        assert paper(page) == "rgb(255, 255, 255)"
        for gone in ("nav", ".filters", "#theme"):
            assert not page.locator(gone).first.is_visible(), gone
        assert page.locator("#first").is_visible()
        assert shown(page) == 6


@pytest.mark.matrix
def test_more_of_a_long_list_is_printed_than_is_shown(browser, files):
    with opened(browser, files / "many.html") as page:
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert shown(page) == 1000


def test_without_script_the_verdict_and_the_proofs_are_there(browser, files):
    with opened(browser, files / "showcase.html", java_script_enabled=False) as page:
        text = page.locator("body").inner_text()
        for part in ("BLOCKED", "What to fix first", "SELECT lot.id FROM lot", "is drawn by a script"):
            assert part in text
        for gone in (".filters", "#theme", "#more"):
            assert not page.locator(gone).first.is_visible(), gone


@pytest.mark.parametrize("width", [1200, 420])
def test_nothing_hangs_over_the_edge(browser, files, width):
    for name in ("showcase", "hostile"):
        with opened(browser, files / f"{name}.html", viewport={"width": width, "height": 900}) as page:
            for summary in page.locator("#list summary").all()[:3]:
                summary.click()
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name


@pytest.mark.parametrize(
    ("scheme", "width"),
    [
        ("light", 1200),
        *(pytest.param(*other, marks=pytest.mark.matrix) for other in (("light", 420), ("dark", 420), ("dark", 1200))),
    ],
)
def test_axe_finds_no_serious_violation(browser, files, scheme, width):
    axe = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    # axe itself evaluates code, which the page's own policy would refuse.
    options = {"color_scheme": scheme, "bypass_csp": True, "viewport": {"width": width, "height": 900}}
    with opened(browser, files / "showcase.html", **options) as page:
        page.select_option("#state", "")
        for summary in page.locator("#list summary").all():
            summary.click()
        page.evaluate(axe)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations', 'passes']})")
        assert len(found["passes"]) > 20
        told = [
            (one["id"], one["impact"], [node["target"] for node in one["nodes"]][:3]) for one in found["violations"]
        ]
        assert told == []


@pytest.mark.matrix
def test_axe_would_notice(browser, files, tmp_path):
    axe = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    page_text = (files / "showcase.html").read_text(encoding="utf-8")
    faint = page_text.replace("--soft:#566070", "--soft:#b0b8c4").replace('aria-label="Tools"', "")
    (tmp_path / "faint.html").write_text(faint, encoding="utf-8")
    with opened(browser, tmp_path / "faint.html", bypass_csp=True) as page:
        page.evaluate(axe)
        found = page.evaluate("axe.run(document)")
        assert "color-contrast" in [one["id"] for one in found["violations"]]
