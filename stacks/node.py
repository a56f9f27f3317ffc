"""How the Node process that runs the CDK for Python is started: for a life of two seconds on few cores."""

import json
import os
from pathlib import Path

_FLAGS = Path(__file__).with_suffix(".cjs").resolve()
# https://nodejs.org/api/cli.html#--v8-pool-sizenum
_DEFAULT_THREADS = 4


def options(given: str, cores: int | None = os.cpu_count()) -> str:
    """The value of NODE_OPTIONS (https://nodejs.org/api/cli.html#node_optionsoptions); those ``given`` prevail.

    Node's threads compile code and collect garbage. More than the other cores can run take the
    time of the thread that synthesizes: on two cores a quarter of a synth. ``cores`` are those of
    the machine, of which a container may have fewer.
    """
    threads = min(_DEFAULT_THREADS, max(1, (cores or 1) - 1))
    # Between quotes, Node reads \ and " as JSON does.
    return f"--v8-pool-size={threads} --require {json.dumps(str(_FLAGS), ensure_ascii=False)} {given}".rstrip()
