"""The environment variables that point a command at the embedded AWS."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
DEFAULT_REGION = "us-east-1"

# Whatever of the caller's own account could leak into a command that is meant
# for the embedded AWS only.
_OWN_ACCOUNT = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN",
                "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")  # fmt: skip


def tools_path(environ: Mapping[str, str]) -> str:
    """PATH with this project's Python, Node and CDK CLI in front."""
    own = (PROJECT / ".venv/bin", Path(sys.executable).parent, PROJECT / "node_modules/.bin")
    return os.pathsep.join([*dict.fromkeys(map(str, own)), environ.get("PATH", os.defpath)])


def client_environment(endpoint: str, ca_file: str, environ: Mapping[str, str]) -> dict[str, str]:
    """``environ`` pointed at ``endpoint``: its CA, its root credentials, nobody's profile.

    The AWS SDKs read these variables: botocore and the CDK CLI (SDK for
    JavaScript) both honour AWS_ENDPOINT_URL; the first takes its CA from
    AWS_CA_BUNDLE, Node from NODE_EXTRA_CA_CERTS
    (https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html).
    """
    env = {key: value for key, value in environ.items() if key not in _OWN_ACCOUNT}
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or DEFAULT_REGION
    return env | {
        "PATH": tools_path(environ),
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_CA_BUNDLE": ca_file,
        "NODE_EXTRA_CA_CERTS": ca_file,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
