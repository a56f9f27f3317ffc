"""A progress bar on standard error, where that is a terminal."""

import contextlib
import sys
from collections.abc import Callable, Iterator

Advance = Callable[[int], None]


@contextlib.contextmanager
def bar(what: str, total: int | None, *, of_bytes: bool = False) -> Iterator[Advance]:
    """A function that moves the bar on by so many; ``total`` may be an estimate, or unknown.

    The bar is gone after the ``with`` block: what counts is printed then.
    """
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda _: None
        return
    # Only here: loading it takes longer than most commands do.
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    text = "{task.completed:,}" + ("" if total is None else " of about {task.total:,}")
    count = DownloadColumn() if of_bytes else TextColumn(text)
    columns = TextColumn("{task.description}"), BarColumn(), count, TimeRemainingColumn()
    console = Console(stderr=True)
    progress = Progress(*columns, console=console, transient=True)
    try:
        # The text of a path is no markup.
        task = progress.add_task(what.replace("[", r"\["), total=total)
        progress.start()
        yield lambda more: progress.advance(task, more)
    finally:
        # Where an interruption met the start half-way, rich misses what it would take back.
        with contextlib.suppress(IndexError):
            progress.stop()
        console.show_cursor()
