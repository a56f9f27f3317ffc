"""The process of the embedded AWS: ministack with the additions of this package.

It writes ``state.json`` (its process id, endpoint and CA file) and holds a lock on
``server.lock`` in its folder for as long as it lives.
"""

import argparse
import asyncio
import fcntl
import gc
import importlib.metadata
import json
import os
import shutil
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any, TextIO

from embedded_aws import settings

# The additions reach into the engine's modules, so they hold for one version.
ENGINE_VERSION = "1.5.33"
# How long requests that are under way may take to their end.
STOP_SECONDS = 0.5
# A process that asks whether the lock is held holds it for a moment.
LOCK_SECONDS = 2
# How often the server looks whether its folder is still there.
WATCH_SECONDS = 1
_CERTIFICATE = ("ca.pem", "server.pem", "server.key")


def main() -> None:
    """Serve until told to stop, then leave nothing running."""
    parser = argparse.ArgumentParser(prog="python -m embedded_aws.server")
    parser.add_argument("state_dir", type=Path)
    parser.add_argument("--until-stdin-closes", action="store_true")
    arguments = parser.parse_args()

    gc.disable()  # until everything is imported: there is nothing to collect
    check_engine_version()
    lock = _lock(arguments.state_dir / "server.lock")
    listener = socket.create_server(("127.0.0.1", 0))  # the kernel picks a free port
    port = listener.getsockname()[1]
    ca_file = _configure_engine(arguments.state_dir, port)
    state = {"pid": os.getpid(), "endpoint": f"https://127.0.0.1:{port}", "ca_file": str(ca_file)}
    _write_state(arguments.state_dir, state)
    settings.read(os.environ)
    asyncio.run(_serve(listener, arguments.state_dir, until_stdin_closes=arguments.until_stdin_closes))
    lock.close()


def check_engine_version() -> None:
    """End with one line unless the installed ministack is the one the additions are made for."""
    installed = importlib.metadata.version("ministack")
    if installed != ENGINE_VERSION:
        sys.exit(
            f"error: ministack {installed} is installed, but embedded_aws/ needs {ENGINE_VERSION}. Run `make setup`, "
            "or port embedded_aws/ to the new version and change ENGINE_VERSION in embedded_aws/server.py"
        )


def _write_state(state_dir: Path, state: dict[str, object]) -> None:
    """Publish ``state`` in one step, so that a reader never sees half a file."""
    draft = state_dir / "state.json.new"
    draft.write_text(json.dumps(state, indent=2) + "\n")
    draft.replace(state_dir / "state.json")


def _lock(path: Path) -> TextIO:
    lock = path.open("w")
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                sys.exit(f"error: another embedded AWS holds {path}")
            time.sleep(0.01)
        else:
            return lock


def _configure_engine(state_dir: Path, port: int) -> Path:
    """Set the engine's environment, which it reads on import; return the CA file.

    TLS, because the CDK bootstrap bucket's policy denies plain HTTP, as on AWS. The CA goes into this process's own
    environment because Lambda workers inherit it: without it the CDK provider's Node function cannot call back.
    """
    ca_file, cert, key = _make_certificate(state_dir)
    temporary = state_dir / "tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    os.environ.update(
        AUTH="true",
        USE_SSL="1",
        GATEWAY_PORT=str(port),
        IOT_MTLS_ENABLED="0",
        SFTP_ENABLED="0",
        MINISTACK_SSL_CERT=str(cert),
        MINISTACK_SSL_KEY=str(key),
        AWS_CA_BUNDLE=str(ca_file),
        NODE_EXTRA_CA_CERTS=str(ca_file),
        TMPDIR=str(temporary),
        S3_DATA_DIR=str(temporary / "s3"),
        STATE_DIR=str(temporary / "state"),
        PYTHONDONTWRITEBYTECODE="1",
        LAMBDA_EXECUTOR="local",
    )
    return ca_file


def _make_certificate(state_dir: Path) -> tuple[Path, Path, Path]:
    import trustme

    ca = trustme.CA()
    server = ca.issue_cert("127.0.0.1", "localhost")
    ca_file, cert, key = (state_dir / name for name in _CERTIFICATE)
    ca.cert_pem.write_to_path(ca_file)
    cert.write_bytes(b"".join(pem.bytes() for pem in server.cert_chain_pems))
    key.touch(mode=0o600)
    server.private_key_pem.write_to_path(key)
    return ca_file, cert, key


async def _serve(listener: socket.socket, state_dir: Path, *, until_stdin_closes: bool) -> None:
    # Imported here: both read the environment that _configure_engine has set.
    import ministack.app
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    from embedded_aws import hooks

    hooks.install()
    gc.freeze()
    gc.enable()
    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.certfile = os.environ["MINISTACK_SSL_CERT"]
    config.keyfile = os.environ["MINISTACK_SSL_KEY"]
    config.keep_alive_timeout = 75
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    if until_stdin_closes:
        loop.add_reader(sys.stdin, stop.set)
    watching = asyncio.create_task(_stop_without_state(state_dir / "state.json", stop))
    app: Any = ministack.app.app
    serving = asyncio.create_task(serve(app, config, shutdown_trigger=stop.wait))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    watching.cancel()
    # A client that keeps its connection open would hold a graceful end up.
    await asyncio.wait({serving}, timeout=STOP_SECONDS)
    _clean_up(state_dir)
    # A client that goes away while the server stops is no failure, and an exception would wait for the threads below.
    if not stop.is_set():
        serving.result()  # why it could not serve
    # Threads of the engine may wait for a Lambda that was ended, and an orderly exit would wait for them.
    os._exit(0)


async def _stop_without_state(state: Path, stop: asyncio.Event) -> None:
    """Stop when the state file was deleted: clients cannot find this server without it."""
    while state.exists():
        await asyncio.sleep(WATCH_SECONDS)
    stop.set()


def _clean_up(state_dir: Path) -> None:
    from ministack.core import lambda_runtime

    lambda_runtime.reset()  # ends the Lambda workers
    shutil.rmtree(state_dir / "tmp", ignore_errors=True)
    for file in ("state.json", *_CERTIFICATE):
        (state_dir / file).unlink(missing_ok=True)


if __name__ == "__main__":
    main()
