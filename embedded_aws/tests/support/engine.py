"""Clients and settings of an embedded AWS for tests."""

import functools
import json
import os
import ssl
import urllib.request
from collections.abc import Callable
from typing import Any

import boto3
from botocore.loaders import JSONFileLoader, Loader


def read_descriptions_once() -> None:
    """Let all boto3 sessions of this process share botocore's descriptions: most of a client's cost."""
    described, find = functools.cache(JSONFileLoader().load_file), Loader.list_available_services

    @functools.cache
    def found(folders: tuple[str, ...], kind: str) -> Any:
        return find(Loader(extra_search_paths=list(folders), include_default_search_paths=False), kind)

    JSONFileLoader.load_file = lambda _, path: described(path)
    Loader.list_available_services = lambda loader, type_name: found(tuple(loader.search_paths), type_name)


def configure(engine: Any, **values: object) -> dict[str, Any]:
    """Change settings of the additions (``embedded_aws.settings``); return what they were before."""
    given = json.dumps({f"additions.{name}": value for name, value in values.items()}).encode()
    before = _request(engine, "config", given)["before"]
    return {name: before[f"additions.{name}"] for name in values}


def reset(engine: Any) -> None:
    """Delete everything in the account."""
    assert _request(engine, "reset", b"") == {"reset": "ok"}


def _request(engine: Any, path: str, data: bytes | None = None) -> Any:
    context = ssl.create_default_context(cafile=engine.ca_file)
    # Not through a proxy: it is on loopback, whatever the environment says.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    with opener.open(f"{engine.endpoint}/_ministack/{path}", data, timeout=60) as reply:
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
        return session().client(service, **endpoint(engine), **kwargs)

    return make
