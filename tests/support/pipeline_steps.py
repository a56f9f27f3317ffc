"""A workflow's identity on the embedded AWS, and the commands that it runs."""

import base64
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from embedded_aws.process import Running
from tests.conftest import copy_project
from tests.support import commands

REPOSITORY = "octo/repo"
ISSUER = "https://token.actions.githubusercontent.com"
APP = ("app.py", "cdk.json", "chat", "cli", "dynamo", "functions", "model", "ops", "seed", "stacks")


def credentials(client: Any, role: str, subject: str, **claims: str) -> dict[str, str]:
    """Sign in as ``role``, as configure-aws-credentials does: boto3's names of the credentials."""
    return _keys(
        client("sts").assume_role_with_web_identity(
            RoleArn=role, RoleSessionName="job", WebIdentityToken=_token(subject, **claims)
        )
    )


def session_keys(client: Any, role: str) -> dict[str, str]:
    """Boto3's names of the credentials of ``role``, assumed by the account's root user."""
    return _keys(client("sts").assume_role(RoleArn=role, RoleSessionName="test"))


def _token(subject: str, *, audience: str = "sts.amazonaws.com", issuer: str = ISSUER) -> str:
    """What GitHub gives a job, except for the signature, which the embedded AWS does not check."""
    parts = [{"alg": "none"}, {"iss": issuer, "aud": audience, "sub": subject}]
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*encoded, ""])


def _keys(answer: Any) -> dict[str, str]:
    found = answer["Credentials"]
    return {
        "aws_access_key_id": found["AccessKeyId"],
        "aws_secret_access_key": found["SecretAccessKey"],
        "aws_session_token": found["SessionToken"],
    }


class Job:
    """A job's checkout and credentials: runs commands of the project there."""

    def __init__(self, aws: Running, keys: dict[str, str], folder: Path, files: Sequence[str] = APP) -> None:
        self.folder = copy_project(folder, files)
        self._environment = aws.environment() | {name.upper(): value for name, value in keys.items()} | {"CI": "true"}

    def run(self, program: str, *arguments: str) -> commands.Done:
        """Run a program; the CDK CLI synthesizes each context once."""
        if program == "cdk":
            out = self.folder / "cdk.out"
            return commands.cdk(*arguments, cwd=self.folder, environment=self._environment, out=out)
        return commands.run(program, *arguments, cwd=self.folder, environment=self._environment)

    def python(self, *arguments: str) -> commands.Done:
        """Run ``python -m`` with the arguments."""
        return self.run(sys.executable, "-B", "-m", *arguments)
