"""What commands print on a terminal, as SVG."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence
from io import StringIO

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from embedded_aws.environment import PROJECT
from local.steps import StepFailed

_ROWS = 50
# The library's own picture would load a font from the network.
_FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def output(command: Sequence[str], environment: Mapping[str, str], columns: int) -> str:
    """What ``command`` prints to a terminal of ``columns``, with its colours.

    Raises StepFailed when its status is not 0.
    """
    ours, theirs = pty.openpty()
    with open(ours, "rb", buffering=0) as terminal:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, columns, 0, 0))
        process = subprocess.Popen(
            command,
            cwd=PROJECT,
            text=True,
            # Programs believe COLUMNS before the terminal.
            env={**environment, "TERM": "xterm-256color", "COLUMNS": str(columns)},
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=subprocess.PIPE,
        )
        os.close(theirs)
        printed = _all_of(terminal.fileno())
        _, errors = process.communicate()
    if process.returncode != 0:
        raise StepFailed(f"`{' '.join(command)}` ended with status {process.returncode}: {errors}")
    return printed.replace("\r\n", "\n")


def _all_of(terminal: int) -> str:
    parts: list[bytes] = []
    while True:
        try:
            part = os.read(terminal, 1 << 16)
        except OSError:  # EIO: its other side is closed
            part = b""
        if not part:
            return b"".join(parts).decode()
        parts.append(part)


def svg(title: str, screens: Sequence[tuple[str, str]], columns: int) -> str:
    """A picture of commands and what each printed, at most that wide; longer lines end in ``…``."""
    texts = [text for command, printed in screens for text in _texts(command, printed)][:-1]
    longest = max(cell_len(line.rstrip()) for text in texts for line in text.plain.splitlines())
    console = Console(record=True, width=min(longest, columns), file=StringIO())
    for text in texts:
        console.print(text, no_wrap=True, overflow="ellipsis")
    drawn = console.export_svg(title=title, unique_id=re.sub(r"\W+", "-", title))
    return "\n".join(line.rstrip() for line in _FONT.sub("", drawn).splitlines()) + "\n"


def _texts(command: str, printed: str) -> list[Text]:
    prompt = Text.assemble(("$ ", "green"), (command, "bold"))
    lines = [line.rstrip() for line in printed.rstrip().splitlines()]
    return [prompt, Text.from_ansi("\n".join(lines)), Text()]
