"""docs/img/report-light.png and report-dark.png: the HTML report of a real run on the legacy example app.

By day from the top, by night from the first proof of growth on.

python ci/report_pictures.py REPORT.html     a report that `seatrial check --html REPORT.html` wrote

Needs Chromium, and playwright of the development environment.
"""

import shutil
import sys
from pathlib import Path

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "img"
WIDTH, HEIGHT = 1180, 1320


def main(report: Path) -> int:
    from playwright.sync_api import sync_playwright

    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        print("report pictures: there is no Chromium; apt-get install chromium")
        return 1
    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
        for scheme in ("light", "dark"):
            page = running.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme=scheme)
            page.goto(report.resolve().as_uri())
            if scheme == "dark":
                page.evaluate("document.querySelector('.card:has(.slope)').scrollIntoView()")
            page.screenshot(path=IMAGES / f"report-{scheme}.png")
            print(f"report pictures: docs/img/report-{scheme}.png written")
        running.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
