"""A headless Chromium for tests that look at a page as people do."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
NEEDED = pytest.mark.skipif(BROWSER is None, reason="no Chromium: apt-get install chromium")


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser that reaches no network: pages are opened from files."""
    from playwright.sync_api import sync_playwright

    assert BROWSER is not None
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=BROWSER, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield browser
        finally:
            browser.close()
