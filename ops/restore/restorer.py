"""Who restores: the role for AWS Backup, and the names that it reaches."""

import re

from cli.clients import find_stack
from cli.command_line import Context
from cli.errors import OpsError, UsageError
from ops.inventory import stack_tables
from ops.restore import encryption
from ops.restore.origins import Origin
from ops.restore.restoration import Target

_ROLE = re.compile(r"arn:[\w-]+:iam::\d{12}:role/\S+")
_KEY = re.compile(r"arn:[\w-]+:kms:[a-z0-9-]+:\d{12}:key/\S+")
MANAGED = "AWSBackupServiceRolePolicyForRestores"


def check(role: str | None, key: str | None) -> None:
    """Raise UsageError for something that is no ARN of a role, or of a key."""
    if role is not None and not _ROLE.fullmatch(role):
        raise UsageError(f"--role '{role}' is not the ARN of an IAM role")
    if key is not None and not _KEY.fullmatch(key):
        raise UsageError(f"--kms-key '{key}' is not the ARN of a KMS key")


def target(context: Context, origin: Origin, name: str, *, role: str | None, key: str | None) -> Target:
    """The table ``name`` to be, with everything that its restore needs.

    Raises OpsError when there is no role, or no key in this region, UsageError for
    a name that the stack's own role does not reach and for a key of another region.
    """
    if key:
        encryption.check_region(key, context.region)
    if not origin.point:
        return Target(name=name, key=key or "")
    role = _role(context, origin, name, role)
    key = key or _source_key(context, origin.table)
    metadata = encryption.metadata(context, origin.point, key) if role else {}
    return Target(name=name, role=role, key=key or "", metadata=metadata)


def _role(context: Context, origin: Origin, name: str, given: str | None) -> str:
    """``given``, else the stack's; empty where DynamoDB itself can do without one."""
    if given:
        return given
    deployed = find_stack(context.clients, context.stack)
    role = deployed.outputs.get("RestoreRoleArn", "") if deployed else ""
    if deployed and role:
        # No stage's own table has a dot in its name.
        prefix = f"{deployed.output('TableName')}."
        if name.startswith(prefix):
            return role
        if origin.arn.split(":")[2] != "dynamodb":
            raise UsageError(
                f"the stack's role restores tables whose name begins with '{prefix}', got "
                f"'{name}'; choose such a --target, or pass --role"
            )
    if origin.arn.split(":")[2] == "dynamodb":
        context.say("no role for AWS Backup: DynamoDB restores it with the caller's permissions")
        return ""
    state = "has no output RestoreRoleArn" if deployed else "is not there, nor its restore role"
    raise OpsError(
        f"AWS Backup needs a role to restore with, and stack {context.stack} {state}; deploy it, "
        f"or pass --role with the ARN of one that has AWS's policy {MANAGED}"
    )


def _source_key(context: Context, table: str) -> str | None:
    """The customer key of the source table, which the new one gets too; None without a table."""
    found = list(stack_tables.existing(context.clients("dynamodb"), [table]))
    return found[0].key if found else None
