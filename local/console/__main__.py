"""``python -m local.console``: the page of the stage's table, until Ctrl-C.

It acts on the AWS that the environment names; ``python -m local console`` gives
it that of the embedded AWS, as ``python -m local run`` does for any command.
"""

import argparse
import os
import sys
from contextlib import closing
from pathlib import Path

from cli.clients import Clients, deployed_stack, stack_name
from cli.command_line import Parser, status_of
from cli.errors import OpsError, UsageError
from local.console.process import Console, running
from local.process import STATE_DIR, LocalAwsError
from local.steps import interrupt_on_terminate


def main(argv: list[str] | None = None) -> int:
    """Serve the console; exit status 0 ended by Ctrl-C, 1 failed, 2 wrong usage."""
    interrupt_on_terminate()
    parser = Parser(prog="python -m local.console", description="A console of the stage's table.")
    parser.add_argument("--stage", default=os.environ.get("STAGE") or "dev")
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    parser.add_argument("--folder", type=Path, default=STATE_DIR, help="where its files are kept")
    arguments = parser.parse_args(argv)
    return status_of(lambda: _run(arguments))


def _run(arguments: argparse.Namespace) -> int:
    if "AWS_ENDPOINT_URL" not in os.environ:
        raise UsageError("no AWS_ENDPOINT_URL in the environment; start it with: python -m local console")
    table = _table(arguments.stage)
    try:
        with running(os.environ, arguments.folder, port=arguments.port) as console:
            return _wait(console, table)
    except LocalAwsError as error:
        raise OpsError(str(error)) from None


def _table(stage: str) -> str:
    with closing(Clients()) as clients:
        return deployed_stack(clients, stack_name(stage=stage)).output("TableName")


def _wait(console: Console, table: str) -> int:
    try:
        print(console.table_page(table), flush=True)
        print("the console is open until Ctrl-C", file=sys.stderr)
        status = console.process.wait()
    except KeyboardInterrupt:  # how it is meant to end
        return 0
    raise OpsError(f"the console ended by itself, with status {status}")


if __name__ == "__main__":
    sys.exit(main())
