"""An embedded AWS for tests: its process, its clients and its settings."""

import contextlib
import functools
import json
import os
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
from botocore.loaders import JSONFileLoader, Loader

from embedded_aws.tests.support.shapes import check_answers

START_SECONDS = 60
STOP_SECONDS = 15


def read_descriptions_once() -> None:
    """Let all boto3 sessions of this process share botocore's descriptions: most of a client's cost."""
    described, find = functools.cache(JSONFileLoader().load_file), Loader.list_available_services

    @functools.cache
    def found(folders: tuple[str, ...], kind: str) -> Any:
        return find(Loader(extra_search_paths=list(folders), include_default_search_paths=False), kind)

    JSONFileLoader.load_file = lambda _, path: described(path)
    Loader.list_available_services = lambda loader, type_name: found(tuple(loader.search_paths), type_name)


@contextlib.contextmanager
def running(folder: Path) -> Iterator[SimpleNamespace]:
    """An embedded AWS for the length of a ``with`` block, never longer than this process; its ``state.json``."""
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "LD_LIBRARY_PATH", "TZ") if name in os.environ}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "embedded_aws.server", str(folder), "--until-stdin-closes"],
            cwd=Path(__file__).resolve().parents[3],
            env=kept | {"PATH": path},
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    assert process.stdin
    try:
        yield _ready(folder, process)
    finally:
        process.stdin.close()
        process.wait(STOP_SECONDS)


def _ready(folder: Path, process: "subprocess.Popen[bytes]") -> SimpleNamespace:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(FileNotFoundError, urllib.error.URLError):
            engine = SimpleNamespace(**json.loads((folder / "state.json").read_text()))
            _request(engine, "ready")
            return engine
        time.sleep(0.05)
    raise RuntimeError((folder / "server.log").read_text())


def configure(engine: Any, **values: object) -> dict[str, Any]:
    """Change settings of the additions (``embedded_aws.settings``); return what they were before."""
    given = json.dumps({f"additions.{name}": value for name, value in values.items()}).encode()
    before = _request(engine, "config", given)["before"]
    return {name: before[f"additions.{name}"] for name in values}


def _request(engine: Any, path: str, data: bytes | None = None) -> Any:
    context = ssl.create_default_context(cafile=engine.ca_file)
    # Not through a proxy: it is on loopback, whatever the environment says.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    with opener.open(f"{engine.endpoint}/_ministack/{path}", data, timeout=10) as reply:
        return json.load(reply)


def session() -> boto3.Session:
    """A boto3 session that knows nothing of the caller's own account."""
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
    return boto3.Session("test", "test", region_name="us-east-1")


def endpoint(engine: Any) -> dict[str, str]:
    """Client arguments that point at the embedded AWS."""
    return {"endpoint_url": engine.endpoint, "verify": engine.ca_file}


def clients_of(engine: Any) -> Callable[..., Any]:
    """``make("dynamodb")``: clients of ``engine`` as its root user, each made once."""

    @functools.cache
    def make(service: str, **kwargs: Any) -> Any:
        client = session().client(service, **endpoint(engine), **kwargs)
        check_answers(client)
        return client

    return make
