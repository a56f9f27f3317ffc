"""``import``: the lines of a file into a table."""

import argparse
import json
from collections.abc import Mapping

from chat.options import Commands, command
from chat.target import Target
from chat.transfer.bar import bar
from chat.transfer.checking import Checked, check
from chat.transfer.importing import import_rest
from chat.transfer.progress import SKIPPED, Progress
from chat.transfer.sources import Source, opened
from chat.transfer.tables import Described, describe
from chat.transfer.writing import Outcome
from cli.output import count

_TEXTS = {
    Outcome.WRITTEN.value: "written",
    Outcome.UNCHANGED.value: "there already",
    Outcome.LEFT_ALONE.value: "left alone, another item was there",
    SKIPPED: "skipped, because only the table's stream writes users' lists",
}


def add(commands: Commands) -> None:
    """The command line of ``import``."""
    parser = command(
        commands,
        "import",
        "write the lines of a file to the table: DynamoDB JSON as `export` writes it, plain JSON "
        "items with pk and sk, or messages with from, to, body and at",
        writes=True,
    )
    parser.add_argument(
        "file",
        metavar="FILE",
        help="- is standard input; it may be compressed with gzip. Every line is checked before "
        "the first one is written; an import that is interrupted is continued by the same command",
    )
    parser.add_argument("--if-absent", action="store_true", help="overwrite nothing: leave alone what is there")
    parser.add_argument("--check", action="store_true", help="only check; needs no AWS")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, target: Target) -> int:
    """Check and import; what came of it goes to standard output."""
    with opened(arguments.file) as source:
        if arguments.check:
            return _show_checked(arguments, source, _checked(source, target))
        client = target.typed_client
        table = describe(client, target.table_name)
        progress = Progress(source, table, if_absent=arguments.if_absent, say=target.say)
        if progress.resume():
            target.say(f"continuing behind line {progress.line:,} of {source.name}")
        else:
            _checked(source, target)
        with bar(f"importing {source.name}", source.size(), of_bytes=True) as advance:
            import_rest(client, table, source, progress, advance)
        _show(arguments, source, table, progress.counts)
        if not table.has_stream and progress.counts.get(Outcome.WRITTEN.value):
            target.say(
                f"table {table.name} has no stream; `python -m chat reindex` brings the users' "
                "lists of conversations up to date"
            )
    return 0


def _checked(source: Source, target: Target) -> Checked:
    try:
        with bar(f"checking {source.name}", source.size(), of_bytes=True) as advance:
            return check(source, say=target.say, advance=advance)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("nothing was written") from None


def _show_checked(arguments: argparse.Namespace, source: Source, checked: Checked) -> int:
    if arguments.json:
        print(json.dumps({"file": source.name, **checked.as_object()}))
    else:
        parts = [count(checked.messages, "message"), count(checked.others, "other item")]
        parts.append(f"{count(checked.memberships, 'row')} of users' lists, to be skipped")
        print(f"{source.name}: {', '.join(parts)}")
    return 0


def _show(arguments: argparse.Namespace, source: Source, table: Described, counts: Mapping[str, int]) -> None:
    if arguments.json:
        numbers = {name: counts.get(name, 0) for name in _TEXTS}
        print(json.dumps({"table": table.name, "file": source.name, **numbers}))
        return
    found = [f"{counts[name]:,} {text}" for name, text in _TEXTS.items() if counts.get(name)]
    print(f"{source.name}: {'; '.join(found)}")
