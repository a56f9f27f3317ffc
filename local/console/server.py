"""The process of the console: StackPort behind the guard, on loopback.

Started by ``local.console.process``; not a command for people. StackPort's own
command listens on every address of the machine, and keeps the first endpoint
that it ever saw under the home folder; so neither is used here.
"""

import argparse
import asyncio
import importlib
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import uvicorn

from local.console.guard import Guard

# Those that the stack and the CDK use; every one is asked every two seconds.
_SERVICES = (
    "cloudformation",
    "dynamodb",
    "events",
    "iam",
    "kms",
    "lambda",
    "logs",
    "monitoring",
    "s3",
    "sns",
    "sqs",
    "ssm",
    "stepfunctions",
)
_HOMES = ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")
STOP_SECONDS = 1  # what requests under way get


def main() -> None:
    """Print the console's address once it listens; serve until standard input closes."""
    parser = argparse.ArgumentParser(prog="python -m local.console.server")
    parser.add_argument("folder", type=Path, help="where its home folder is made")
    parser.add_argument("--port", type=int, required=True, help="0 lets the kernel pick one")
    arguments = parser.parse_args()
    # The server below acts on these, and raises them again when it has ended.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    listener = _listen(arguments.port)
    home = Path(tempfile.mkdtemp(prefix="console-", dir=arguments.folder))
    try:
        asyncio.run(_serve(listener, home))
    finally:
        shutil.rmtree(home)


def environment(home: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """``environ`` with ``home`` for all that StackPort keeps, and its own settings.

    https://github.com/DaviReisVieira/stackport names them.
    """
    kept = {key: value for key, value in environ.items() if not key.startswith("STACKPORT_")}
    return (
        kept
        | {key: str(home) for key in ("HOME", "TMPDIR", "STACKPORT_DATA_DIR", *_HOMES)}
        | {
            "LOG_LEVEL": "WARNING",
            "STACKPORT_ENDPOINTS": f"AWS={environ['AWS_ENDPOINT_URL']}",
            "STACKPORT_LEARN": "false",
            "STACKPORT_SERVICES": ",".join(_SERVICES),
        }
    )


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port))
    except (OSError, OverflowError) as error:
        sys.exit(f"error: port {port}: {error}; name another with --port, or leave it out")


async def _serve(listener: socket.socket, home: Path) -> None:
    own = environment(home, os.environ)
    os.environ.clear()
    os.environ.update(own)
    # Imported here: it reads the environment.
    stackport = importlib.import_module("backend.main").app
    port = listener.getsockname()[1]
    config = uvicorn.Config(Guard(stackport, port), log_level="warning", timeout_graceful_shutdown=STOP_SECONDS)
    server = uvicorn.Server(config)
    asyncio.get_running_loop().add_reader(sys.stdin, lambda: setattr(server, "should_exit", True))
    print(f"http://127.0.0.1:{port}", flush=True)
    await server.serve(sockets=[listener])
    # Threads of StackPort may wait for an answer of the embedded AWS, and an
    # orderly exit would wait for them.
    shutil.rmtree(home)
    os._exit(0)


if __name__ == "__main__":
    main()
