"""A workflow's identity on the embedded AWS, and the commands that it runs."""

import base64
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from local.process import Running
from tests.conftest import PROJECT

REPOSITORY = "octo/repo"
ISSUER = "https://token.actions.githubusercontent.com"
APP = ("app.py", "cdk.json", "chat", "cli", "dynamo", "functions", "model", "ops", "seed", "stacks")


def token(subject: str, *, audience: str = "sts.amazonaws.com", issuer: str = ISSUER) -> str:
    """What GitHub gives a job, except for the signature, which the embedded AWS does not check."""
    parts = [{"alg": "none"}, {"iss": issuer, "aud": audience, "sub": subject}]
    return ".".join([*map(_encoded, parts), ""])


def _encoded(part: dict[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def credentials(client: Any, role: str, subject: str, **claims: str) -> dict[str, str]:
    """Sign in as ``role``, as configure-aws-credentials does: boto3's names of the credentials."""
    found = client("sts").assume_role_with_web_identity(
        RoleArn=role, RoleSessionName="job", WebIdentityToken=token(subject, **claims)
    )["Credentials"]
    return _keys(found)


def session_keys(client: Any, role: str) -> dict[str, str]:
    """Boto3's names of the credentials of ``role``, assumed by the account's root user."""
    return _keys(client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"])


def _keys(found: dict[str, str]) -> dict[str, str]:
    return {
        "aws_access_key_id": found["AccessKeyId"],
        "aws_secret_access_key": found["SecretAccessKey"],
        "aws_session_token": found["SessionToken"],
    }


class Job:
    """A job's checkout and credentials: runs commands of the project there."""

    def __init__(self, aws: Running, keys: dict[str, str], folder: Path, files: Sequence[str] = APP) -> None:
        self.keys, self.folder = keys, folder
        folder.mkdir(exist_ok=True)
        variables = {name.upper(): value for name, value in keys.items()}
        self._environment = (
            aws.environment()
            | variables
            | {"CDK_DISABLE_CLI_TELEMETRY": "true", "CDK_VALIDATION": "false", "CI": "true"}
        )
        for name in files:
            source, target = PROJECT / name, folder / name
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run it; standard error goes where standard output does."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self._environment,
            text=True,
            timeout=300,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run ``python -m`` with the arguments."""
        return self.run(sys.executable, "-B", "-m", *arguments)
