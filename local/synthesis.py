"""The app of the CDK, started while the CDK CLI still loads.

The CLI says in variables what it wants of the app: what it wanted last time, unless its options or
cdk.json have changed. So the app is started with those before the CLI, whose ``--app`` then is
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
from embedded_aws.process import kill_group

# The only difference between `cdk bootstrap` and `cdk deploy`; of no use to an app that bundles nothing.
_BUNDLING = "aws:cdk:bundling-stacks"
_ENDED = re.compile(r"status (\d+)\n\Z")


@contextlib.contextmanager
def ahead(state_dir: Path, options: Sequence[str], environment: Mapping[str, str]) -> Iterator[list[str]]:
    """Start the app, if the CLI had the same ``options`` last time; what to add to them, so that the CLI waits for it.

    An app that still runs at the end is killed.
    """
    wanted = _wanted(state_dir)
    # The log stays locked as long as the app may write to it.
    with contextlib.ExitStack() as ended, _log(state_dir).open("w") as log:
        fcntl.flock(log, fcntl.LOCK_EX)
        if wanted.get("options") == options:
            process = subprocess.Popen(
                ["sh", "-c", f'{_app()}; echo "status $?"'],
                cwd=PROJECT,
                env={**environment, **wanted["variables"]},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            ended.callback(process.wait)
            ended.callback(kill_group, process.pid)
        log.close()
        yield ["--app", shlex.join(["python3", "-m", "local.synthesis", str(state_dir.resolve()), *options])]


def main() -> None:
    """End as the app that was started ahead; become the app if none was, or other variables are wanted of it."""
    state_dir, options = Path(sys.argv[1]), sys.argv[2:]
    variables = {name: value for name, value in os.environ.items() if name.startswith("CDK_")}
    context = json.loads(variables["CDK_CONTEXT_JSON"])
    context.pop(_BUNDLING, None)
    wanted = {"options": options, "variables": variables | {"CDK_CONTEXT_JSON": json.dumps(context)}}
    with _log(state_dir).open() as log:
        fcntl.flock(log, fcntl.LOCK_SH)
        output = log.read()
    _log(state_dir).write_text("")  # to be used once
    if (status := _ENDED.search(output)) and wanted == _wanted(state_dir):
        sys.stderr.write(output[: status.start()])
        sys.exit(int(status[1]))
    _record(state_dir).write_text(json.dumps(wanted))
    os.execvp("sh", ["sh", "-c", _app()])


def _app() -> str:
    return str(json.loads((PROJECT / "cdk.json").read_text())["app"])


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
