"""``python -m local``: the embedded AWS from the command line."""

import argparse
import os
import sys
from pathlib import Path
from typing import NoReturn

from cli.command_line import Parser
from embedded_aws.process import LocalAwsError, Running, find, find_or_start, stop
from local.folder import STATE_DIR
from local.up import up
from local.watch import watch
from model.names import STAGE, STAGE_RULE


def main(argv: list[str] | None = None) -> int:
    """Run one command; exit status 0 done, 1 failed, 2 wrong usage."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except LocalAwsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m local", description="An AWS on this machine: no account, no Docker, reachable on loopback only."
    )
    parser.add_argument(
        "--state", type=Path, default=STATE_DIR, metavar="DIR", help="folder for its state (default: .local)"
    )
    commands = parser.add_subparsers(
        required=True, metavar="start|stop|status|up|watch|run|console", dest="command", parser_class=Parser
    )
    commands.add_parser("start", help="start the embedded AWS and wait until it responds").set_defaults(run=_start)
    commands.add_parser("stop", help="stop it; all its data is lost").set_defaults(run=_stop)
    commands.add_parser("status", help="print whether it is running, and its endpoint").set_defaults(run=_status)
    for name, deploys, text in (
        ("up", up, "start it and deploy the stack to it"),
        ("watch", watch, "the same at every save of a file of the app, until Ctrl-C"),
    ):
        command = commands.add_parser(name, help=text)
        _add_stage(command)
        command.add_argument(
            "-c",
            "--context",
            type=_setting,
            action="append",
            default=[],
            metavar="KEY=VALUE",
            help="override a setting of the stage, as with cdk -c; repeatable",
        )
        command.set_defaults(run=_deploy, deploys=deploys)
    console = commands.add_parser("console", help="serve a web console of the deployed table, until Ctrl-C")
    _add_stage(console)
    console.add_argument("--port", type=int, default=0, help="default: a free port")
    console.set_defaults(run=_console)
    run = commands.add_parser(
        "run",
        help="run a command with only the embedded AWS as its AWS",
        usage="python -m local run -- COMMAND [ARG ...]",
    )
    run.add_argument("argv", nargs=argparse.REMAINDER, metavar="COMMAND")
    run.set_defaults(run=_run)
    return parser


def _add_stage(command: argparse.ArgumentParser) -> None:
    default = os.environ.get("STAGE") or "dev"
    command.add_argument("--stage", type=_stage, default=default, help="default: $STAGE or dev")


def _stage(text: str) -> str:
    if not STAGE.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} must be {STAGE_RULE}")
    return text


def _setting(text: str) -> str:
    if "=" not in text:
        raise argparse.ArgumentTypeError(f"{text!r} must be KEY=VALUE")
    if text.startswith("stage="):
        raise argparse.ArgumentTypeError(f"{text!r} must be given as --stage (make: STAGE=...)")
    return text


def _start(arguments: argparse.Namespace) -> int:
    running = find(arguments.state)
    if running is None:
        print("starting the embedded AWS", file=sys.stderr)
        running = find_or_start(arguments.state)
    _print(running)
    return 0


def _stop(arguments: argparse.Namespace) -> int:
    print("stopped" if stop(arguments.state) else "not running", file=sys.stderr)
    return 0


def _status(arguments: argparse.Namespace) -> int:
    running = find(arguments.state)
    if running is None:
        print("not running; start it with: python -m local start", file=sys.stderr)
        return 1
    _print(running)
    return 0


def _deploy(arguments: argparse.Namespace) -> int:
    return int(arguments.deploys(arguments.state, arguments.stage, arguments.context))


def _console(arguments: argparse.Namespace) -> int:
    environment = _environment(arguments.state)
    options = ["--stage", arguments.stage, "--port", str(arguments.port), "--folder", str(arguments.state.resolve())]
    return _become([sys.executable, "-m", "local.console", *options], environment)


def _run(arguments: argparse.Namespace) -> int:
    command = arguments.argv[1:] if arguments.argv[:1] == ["--"] else arguments.argv
    if not command:
        print("error: no command; use: python -m local run -- COMMAND [ARG ...]", file=sys.stderr)
        return 2
    return _become(command, _environment(arguments.state))


def _environment(state: Path) -> dict[str, str]:
    """The environment of a command on the embedded AWS. Raises LocalAwsError when it is not running."""
    running = find(state)
    named = os.environ.get("AWS_ENDPOINT_URL")
    if named and not (running and running.endpoint == named):
        print(
            f"AWS_ENDPOINT_URL={named} is ignored: `python -m local` uses only the embedded "
            "AWS; for another endpoint, leave out `python -m local run --`",
            file=sys.stderr,
        )
    if running is None:
        raise LocalAwsError(
            "the embedded AWS is not running; start it with the stack on it (make up), or empty (python -m local start)"
        )
    return running.environment()


def _become(command: list[str], environment: dict[str, str]) -> NoReturn:
    try:
        os.execvpe(command[0], command, environment)
    except OSError as error:
        raise LocalAwsError(f"cannot run {command[0]!r}: {error.strerror}") from None


def _print(running: Running) -> None:
    print(f"endpoint {running.endpoint}\nca       {running.ca_file}\npid      {running.pid}")


if __name__ == "__main__":
    sys.exit(main())
