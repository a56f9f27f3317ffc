"""``python -m chat`` as a person runs it, without a process for each command."""

import io
import json
import sys
from dataclasses import dataclass
from typing import Any

from chat.__main__ import main


@dataclass(frozen=True)
class Ran:
    """What a command answered."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """Standard output of a command that must have worked."""
        assert self.status == 0, self.err
        return self.out.splitlines()

    @property
    def json(self) -> Any:
        """Standard output of a command that must have worked, as one JSON document."""
        assert self.status == 0, self.err
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """The one line of a command that must have failed."""
        assert self.out == ""
        assert self.err.startswith("error: ")
        assert self.err.count("\n") == 1
        return self.err.removeprefix("error: ").rstrip("\n")


def run(capsys: Any, *arguments: str) -> Ran:
    """One command in this process."""
    capsys.readouterr()
    try:
        status = main(list(arguments))
    except SystemExit as ended:  # argparse
        status = int(ended.code or 0)
    return Ran(status, *capsys.readouterr())


def stdin(monkeypatch: Any, data: bytes) -> None:
    """What the next command reads from standard input."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
