"""Steps that the tests of the embedded AWS share."""

import io
import json
import time
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Clients = Callable[..., Any]  # the fixture ``client``
INVALID, NOT_FOUND = "InvalidParameterValueException", "ResourceNotFoundException"
KEY = "arn:aws:kms:us-east-1:000000000000:key/2f1a"
# A table with one key, in the words of CreateTable and of a template.
KEYED: dict[str, Any] = {
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}


def allow(*actions: str, on: Any = "*", **more: Any) -> dict[str, Any]:
    """A statement that allows these actions, on everything unless ``on`` says what."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": on} | more


def policy(*statements: dict[str, Any]) -> str:
    """A policy document of these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trust(*services: str, **more: Any) -> str:
    """The policy of a role that these services may assume."""
    return policy({"Effect": "Allow", "Principal": {"Service": list(services)}, "Action": "sts:AssumeRole"} | more)


def grant(client: Clients, role: str, *actions: str) -> None:
    """Let the role of this name do these actions, and no others that were granted here."""
    document = policy(allow(*actions or ["iam:No"]))
    client("iam").put_role_policy(RoleName=role, PolicyName="granted", PolicyDocument=document)


def code_of(call: Callable[..., Any], **arguments: Any) -> str:
    """The code of the error that the call must end in."""
    return refused(call, **arguments)[1]


def create_backup_role(client: Clients, name: str, service: str = "backup.amazonaws.com", *actions: str) -> str:
    """The ARN of a new role, which ``service`` may assume and which may do these actions on everything."""
    role = client("iam").create_role(RoleName=name, Path="/messages/", AssumeRolePolicyDocument=trust(service))
    if actions:
        grant(client, name, *actions)
    return str(role["Role"]["Arn"])


def create_function(client: Clients, name: str, role: str, code: bytes, **more: Any) -> str:
    """The ARN of a new function with this code package, whose handler is ``code.handler``."""
    settings = {"FunctionName": name, "Role": role, "Handler": "code.handler", "Runtime": "python3.13"} | more
    return str(client("lambda").create_function(Code={"ZipFile": code}, **settings)["FunctionArn"])


def package(*files: tuple[str, str, int]) -> bytes:
    """A function's code package: the name, text and mode of each file; a folder ends in a slash."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text, mode in files:
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            archive.writestr(entry, text)
    return buffer.getvalue()


def table_arn(name: str, region: str = "us-east-1") -> str:
    """The ARN of a table of the tests' account."""
    return f"arn:aws:dynamodb:{region}:000000000000:table/{name}"


def eventually(check: Callable[[], Any], seconds: float = 60.0) -> Any:
    """Call ``check`` until its result is true, for up to ``seconds``: enough on a busy machine; the result."""
    deadline = time.monotonic() + seconds
    while not (answer := check()):
        assert time.monotonic() < deadline, f"not true within {seconds} seconds"
        time.sleep(0.03)
    return answer


def refused(call: Callable[..., Any], **arguments: Any) -> tuple[int, str, str]:
    """Status, code and text of the error that the call must end in."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response["Error"]
    return caught.value.response["ResponseMetadata"]["HTTPStatusCode"], error["Code"], error["Message"]


def back_up(client: Clients, vault: str, table: str, role: str, **more: Any) -> Any:
    """Take a backup of the table and wait for it; return the job's description."""
    backup = client("backup")
    arn = table_arn(table, backup.meta.region_name)
    started = backup.start_backup_job(BackupVaultName=vault, ResourceArn=arn, IamRoleArn=role, **more)
    return ended(backup, started["BackupJobId"])


def ended(backup: Any, job: str) -> Any:
    """The description of a backup job, once it is over."""
    return eventually(lambda: _over(backup.describe_backup_job(BackupJobId=job), "State"))


def restored(backup: Any, **arguments: Any) -> Any:
    """Restore a recovery point; return the job's description once it is over."""
    job = backup.start_restore_job(**arguments)["RestoreJobId"]
    return eventually(lambda: _over(backup.describe_restore_job(RestoreJobId=job), "Status"))


def _over(job: Any, key: str) -> Any:
    return job if job[key] in ("COMPLETED", "FAILED", "ABORTED", "EXPIRED") else None


def listed(client: Any, operation: str, **filters: Any) -> list[Any]:
    """All that a list operation names, page by page: the tests of a process share one account."""
    pages = client.get_paginator(operation)
    found: list[Any] = pages.paginate(**filters).build_full_result()[pages.result_keys[0].expression]
    return found


def log_groups(client: Clients, stack: str) -> list[str]:
    """The names of the log groups of ``stack``."""
    groups = listed(client("logs"), "describe_log_groups")
    return [group["logGroupName"] for group in groups if stack in group["logGroupName"]]


def log_lines(client: Clients, stack: str, message: str) -> list[dict[str, Any]]:
    """The log lines with ``message`` of the functions of ``stack``."""
    found = [listed(client("logs"), "filter_log_events", logGroupName=one) for one in log_groups(client, stack)]
    texts = [event["message"] for events in found for event in events]
    lines = [json.loads(text) for text in texts if text.startswith('{"message"')]
    return [line for line in lines if line["message"] == message]
