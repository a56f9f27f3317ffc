"""The console's pages in a browser: Debian's Chromium, driven by Playwright, on this machine alone.

https://playwright.dev/python/docs/api/class-browsertype#browser-type-launch
"""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import FloatRect, Locator, Page, sync_playwright

COMMAND = "chromium"  # as Debian names it
PAGE_SECONDS = 60
# High enough that nothing scrolls: pictures are cut out of the window.
WIDTH, HEIGHT = 1280, 1000
_MARGIN = 24
_OPTIONS = (
    "--disable-gpu",
    "--disable-quic",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    # The same pixels on every screen.
    "--disable-lcd-text",
    "--disable-partial-raster",
    "--font-render-hinting=none",
)
_HOMES = ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR", "XDG_STATE_HOME")


def installed() -> bool:
    """Whether there is a Chromium on this machine."""
    return shutil.which(COMMAND) is not None


@contextmanager
def browser_page(width: int = WIDTH, height: int = HEIGHT) -> Iterator[Page]:
    """An empty page of that size in pixels, light, in English and UTC, for a ``with`` block.

    Raises playwright.sync_api.Error.
    """
    with tempfile.TemporaryDirectory(prefix="chromium-") as home, sync_playwright() as playwright:
        own: dict[str, str | float | bool] = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        browser = playwright.chromium.launch(
            executable_path=shutil.which(COMMAND), args=_OPTIONS, env=own | dict.fromkeys(_HOMES, home)
        )
        try:
            page = browser.new_page(
                viewport={"width": width, "height": height},
                locale="en-US",
                timezone_id="UTC",
                color_scheme="light",
                reduced_motion="reduce",
            )
            page.set_default_timeout(PAGE_SECONDS * 1000)
            yield page
        finally:
            browser.close()


def table_picture(page: Page, address: str, shown: str) -> bytes:
    """A PNG of the table's page at ``address``, once the text ``shown`` is among its items."""
    page.goto(address)
    for text in (shown, "messages:stack"):  # the tags come by a request of their own
        page.get_by_text(text).first.wait_for()
    # It would be the only thing that differs from one run to the next.
    _first(page, "div", "Created").evaluate("element => { element.style.visibility = 'hidden' }")
    return _picture(page, left=0, top=0)


def items_picture(page: Page, partition: str, count: int, first_column: str) -> bytes:
    """A PNG of a query for ``partition``, once it has ``count`` items, on a table's open page.

    The columns before ``first_column`` are scrolled out of sight.
    """
    _first(page, "button", "Query").click()
    page.get_by_label("Partition key").first.fill(partition)
    _first(page, "button", "Run query").click()
    _first(page, "h3", f"Items ({count})").wait_for()
    page.evaluate("document.activeElement.blur()")
    column = _first(page, "th", first_column).evaluate("element => element.offsetLeft")
    around = page.locator("table").first.locator("xpath=..")
    around.evaluate("(element, left) => { element.scrollLeft = left }", column)
    top = _edge(_first(page, "button", "Scan"), "top") - _MARGIN
    return _picture(page, left=_edge(around, "left") - _MARGIN, top=top)


def _picture(page: Page, *, left: float, top: float) -> bytes:
    """The window from that corner on, to a little below the table of items."""
    page.wait_for_load_state("networkidle")
    bottom = _edge(page.locator("table").first, "bottom") + _MARGIN
    clip: FloatRect = {"x": left, "y": top, "width": WIDTH - left, "height": bottom - top}
    return page.screenshot(clip=clip, animations="disabled")


def _edge(element: Locator, side: str) -> float:
    return float(element.evaluate("(element, side) => element.getBoundingClientRect()[side]", side))


def _first(page: Page, kind: str, text: str) -> Locator:
    """The first such element whose text starts with ``text``."""
    start = re.compile(r"^\s*" + re.escape(text).replace(r"\ ", " "))
    return page.locator(kind).filter(has_text=start).first
