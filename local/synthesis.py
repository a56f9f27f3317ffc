"""The app of the CDK, started while the CDK CLI still loads.

The CLI says in variables what it wants of the app: what it wanted last time, unless its options, its version or a file
with context have changed. So the app is started with those before the CLI, whose ``--app`` then is
``python3 -m local.synthesis DIR OPTION ...``, which waits for it.
"""

import contextlib
import fcntl
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from embedded_aws.environment import PROJECT
from embedded_aws.process import end

# The last: a file with the context that has no room in a variable, another one each time.
_WANTED = "CDK_", "CONTEXT_OVERFLOW"
# The only difference between `cdk bootstrap` and `cdk deploy`; of no use to an app that bundles nothing.
_BUNDLING = "aws:cdk:bundling-stacks"
_ENDED = re.compile(rb"status (\d+)\n\Z")


@contextlib.contextmanager
def ahead(state_dir: Path, options: Sequence[str], environment: Mapping[str, str]) -> Iterator[list[str]]:
    """Yield what makes the CDK CLI, with ``options``, wait for the app; start the app if they are those of last time.

    An app that still runs at the end is killed.
    """
    arguments = [str(state_dir.resolve()), *options]
    wanted = _wanted(state_dir)
    with contextlib.ExitStack() as ended, _log(state_dir).open("ab") as log:
        fcntl.flock(log, fcntl.LOCK_EX)  # held as long as the app may write to it
        log.truncate(0)
        if wanted.get("arguments") == arguments:
            process = subprocess.Popen(
                ["sh", "-c", f'{wanted["app"]}; echo "status $?"'],
                cwd=PROJECT,
                env={**environment, **wanted["variables"], "PYTHONIOENCODING": "utf-8"},  # the CLI sets it too
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            ended.callback(end, process)
        log.close()
        yield ["--app", shlex.join(["python3", "-m", "local.synthesis", *arguments])]


def main() -> None:
    """End as the app that was started ahead; become the app if none was, or the CLI wants something else of it."""
    arguments = sys.argv[1:]
    state_dir = Path(arguments[0])
    variables = {name: value for name, value in os.environ.items() if name.startswith(_WANTED)}
    context = json.loads(variables["CDK_CONTEXT_JSON"])
    context.pop(_BUNDLING, None)
    variables["CDK_CONTEXT_JSON"] = json.dumps(context)
    app = json.loads((PROJECT / "cdk.json").read_text())["app"]
    wanted = {"arguments": arguments, "app": app, "variables": variables}
    with _log(state_dir).open("r+b") as log:
        fcntl.flock(log, fcntl.LOCK_EX)
        output = log.read()
        log.truncate(0)  # to be used once
    if (status := _ENDED.search(output)) and wanted == _wanted(state_dir):
        sys.stderr.buffer.write(output[: status.start()])
        sys.exit(int(status[1]))
    _record(state_dir).write_text(json.dumps(wanted))
    os.execvp("sh", ["sh", "-c", app])


def _wanted(state_dir: Path) -> dict[str, Any]:
    """What the CLI wanted last time; nothing before the first."""
    try:
        wanted: dict[str, Any] = json.loads(_record(state_dir).read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return wanted


def _record(state_dir: Path) -> Path:
    return state_dir / "app.json"


def _log(state_dir: Path) -> Path:
    return state_dir / "app.log"


if __name__ == "__main__":
    main()
