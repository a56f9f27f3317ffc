"""The environment variables that point a command at the embedded AWS."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
DEFAULT_REGION = "us-east-1"
_LOOPBACK = ("127.0.0.1", "localhost")
# Variables that choose an account, sign requests or redirect them.
_STEERING = ("AWS_", "AMAZON_", "CDK_", "TELEMETRY_ENDPOINT")
_KEPT = ("CDK_HOME", "CDK_VALIDATION")
# Variables that any process needs. The engine reads a hundred others, its own and those of
# LocalStack, which the user may have set for a LocalStack.
_NEEDED = ("HOME", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "LOGNAME", "TZ", "USER")


def tools_path(environ: Mapping[str, str]) -> str:
    """PATH with this project's Python, Node and CDK CLI in front."""
    own = (PROJECT / ".venv/bin", Path(sys.executable).parent, PROJECT / "node_modules/.bin")
    return os.pathsep.join([*dict.fromkeys(map(str, own)), environ.get("PATH", os.defpath)])


def region(environ: Mapping[str, str]) -> str:
    """The region that the environment names, else the default one."""
    return environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or DEFAULT_REGION


def without_aws(environ: Mapping[str, str]) -> dict[str, str]:
    """``environ`` without variables that choose an account, sign requests or redirect them.

    The SDKs read these variables in upper case, the CDK CLI some in lower case
    too, and every option of the CDK CLI is also a variable (CDK_PROFILE).
    """
    return {name: value for name, value in environ.items() if name in _KEPT or not name.upper().startswith(_STEERING)}


def client_environment(endpoint: str, ca_file: str, environ: Mapping[str, str]) -> dict[str, str]:
    """``environ`` with ``endpoint`` as its only AWS, and this project's tools in front."""
    return without_aws(environ) | {"PATH": tools_path(environ)} | client_variables(endpoint, ca_file, environ)


def client_variables(endpoint: str, ca_file: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that name ``endpoint``, its CA and root credentials, in the region of ``environ``.

    botocore and the CDK CLI (SDK for JavaScript) both honour AWS_ENDPOINT_URL;
    the first takes its CA from AWS_CA_BUNDLE, Node from NODE_EXTRA_CA_CERTS
    (https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html).
    """
    past_proxy = _past_proxy(environ)
    return {
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
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        # Empty, they win over the proxy and the profile that ~/.cdk.json names.
        "CDK_PROXY": "",
        "CDK_PROFILE": "",
    }


def _past_proxy(environ: Mapping[str, str]) -> str:
    """The hosts to reach without a proxy: loopback, and those that ``environ`` names."""
    named = filter(None, (environ.get(name) for name in ("NO_PROXY", "no_proxy")))
    return ",".join(dict.fromkeys([*_LOOPBACK, *named]))


def server_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The part of ``environ`` that the server gets; its Lambda workers inherit it."""
    kept = {key: value for key, value in environ.items() if key in _NEEDED or key.startswith("LOCAL_AWS_")}
    return kept | {"PATH": tools_path(environ)}
