"""The environment variables that point a command at the embedded AWS."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
DEFAULT_REGION = "us-east-1"
_LOOPBACK = ("127.0.0.1", "localhost")
# What a process of this machine needs to run at all. The engine reads some
# hundred variables of its own and of LocalStack, which may be set for those.
_NEEDED = ("HOME", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "LOGNAME", "TZ", "USER")


def tools_path(environ: Mapping[str, str]) -> str:
    """PATH with this project's Python, Node and CDK CLI in front."""
    own = (PROJECT / ".venv/bin", Path(sys.executable).parent, PROJECT / "node_modules/.bin")
    return os.pathsep.join([*dict.fromkeys(map(str, own)), environ.get("PATH", os.defpath)])


def region(environ: Mapping[str, str]) -> str:
    """The region that the environment names, else the default one."""
    return environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or DEFAULT_REGION


def client_environment(endpoint: str, ca_file: str, environ: Mapping[str, str]) -> dict[str, str]:
    """``environ`` pointed at ``endpoint``: its CA, its root credentials, nobody's profile.

    Nothing else of AWS is left in it: a variable such as
    AWS_ENDPOINT_URL_DYNAMODB would send a command to somebody's account.
    botocore and the CDK CLI (SDK for JavaScript) both honour AWS_ENDPOINT_URL;
    the first takes its CA from AWS_CA_BUNDLE, Node from NODE_EXTRA_CA_CERTS
    (https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html).
    """
    env = {key: value for key, value in environ.items() if not key.startswith("AWS_")}
    past_proxy = ",".join([*_LOOPBACK, *filter(None, [environ.get("NO_PROXY")])])
    return env | {
        "PATH": tools_path(environ),
        "NO_PROXY": past_proxy,
        "no_proxy": past_proxy,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_CA_BUNDLE": ca_file,
        "NODE_EXTRA_CA_CERTS": ca_file,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": region(environ),
        "AWS_DEFAULT_REGION": region(environ),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def foreign_environment(environ: Mapping[str, str]) -> dict[str, str] | None:
    """``environ`` when it names an endpoint already, which is then used as it is; else None."""
    if not environ.get("AWS_ENDPOINT_URL"):
        return None
    where = {"AWS_REGION": region(environ), "AWS_DEFAULT_REGION": region(environ)}
    return {**environ, **where, "PATH": tools_path(environ)}


def server_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What the server gets of ``environ``; its Lambda workers inherit it."""
    kept = {
        key: value
        for key, value in environ.items()
        if key in _NEEDED or key.startswith("LOCAL_AWS_")
    }
    return kept | {"PATH": tools_path(environ)}
