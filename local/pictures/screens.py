"""The console's page of a table, as PNG: the table itself, and the items of a conversation."""

from local.console.process import Console
from local.pictures.chromium import Box, Page

# High enough that nothing scrolls: pictures are cut out of the window.
WIDTH, HEIGHT = 1280, 1000
_MARGIN = 24


def table(page: Page, console: Console, name: str, shown: str) -> bytes:
    """The whole page of table ``name``, once the text ``shown`` is among its items."""
    page.open(console.table_page(name))
    for text in (shown, "messages:stack"):  # the tags come by a request of their own
        page.wait(f"document.body.innerText.includes({text!r})")
    # It would be the only thing that differs from one run to the next.
    page.value(f"{_element('div', 'Created')}.style.visibility = 'hidden'")
    return page.picture(Box(x=0, y=0, width=WIDTH, height=_bottom(page)))


def items(page: Page, partition: str, count: int, first_column: str) -> bytes:
    """What a query for ``partition`` finds, once it is ``count`` items, on a table's open page.

    The columns before ``first_column`` are scrolled out of sight.
    """
    page.value(f"{_element('button', 'Query')}.click()")
    page.wait(_element("label", "Partition key"))
    page.value(f"{_element('label', 'Partition key')}.control.focus()")
    page.type(partition)
    page.value(f"{_element('button', 'Run query')}.click()")
    page.value("document.activeElement.blur()")
    page.wait(_element("h3", f"Items ({count})"))
    page.value(f"document.querySelector('table').parentElement.scrollLeft = {_element('th', first_column)}.offsetLeft")
    top = page.value(f"{_element('button', 'Scan')}.getBoundingClientRect().top") - _MARGIN
    left = page.value("document.querySelector('table').parentElement.getBoundingClientRect().left")
    left -= _MARGIN
    return page.picture(Box(x=left, y=top, width=WIDTH - left, height=_bottom(page) - top))


def _element(kind: str, text: str) -> str:
    """JavaScript for the first such element whose text starts with ``text``."""
    elements = f"[...document.querySelectorAll({kind!r})]"
    return f"{elements}.find(e => e.textContent.startsWith({text!r}))"


def _bottom(page: Page) -> float:
    rows = "document.querySelector('table').getBoundingClientRect().bottom"
    return float(page.value(rows)) + _MARGIN
