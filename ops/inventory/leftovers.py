"""Find what remains of a deployment: its roles, keys and log groups, and with the rest its whole inventory.

Reads only. Names narrow a search; the tag ``messages:stack`` decides, because the name of one
stack may begin with the name of another (``Messages-dev-2``).
"""

import dataclasses
import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from cli.clients import StackDescription, default_table, deleted_stacks
from cli.command_line import Context
from cli.errors import code, is_denied, message
from dynamo.parallel import lanes
from model.names import PREFIX, ROLE_PATH, STACK_TAG
from ops.inventory import stack_tables, vaults
from ops.inventory.found import Inventory, Key, NativeBackup, Role, Unseen, Vault
from ops.inventory.shared import LANES, once
from ops.inventory.vaults import rows

T = TypeVar("T")
# CloudFormation names a role after its stack, and keeps this many characters of it.
_ROLE_NAME_START = 24
_TABLE_ARN = re.compile(r"arn:[\w-]+:dynamodb:([a-z0-9-]+):\d+:table/([\w.*-]+)")
# The CDK's logical ids end in eight hexadecimal digits, unless CloudFormation had to shorten one to
# 24 characters or more. Random ends are such as -1A2B3C4D5E6F7 or -nTz9TlTGBnHz.
_LOGICAL_ID_AND_RANDOM_END = (
    r"[A-Za-z](?:[A-Za-z0-9]*[0-9A-F]{8}|[A-Za-z0-9]{23,})"
    r"-(?=[a-z]*[A-Z0-9])[A-Za-z0-9]{12,13}"
)


class Lookups:
    """Runs lookups; those that the caller has no permission for are noted in ``unseen``, not fatal."""

    def __init__(self) -> None:
        self.unseen: list[Unseen] = []

    def __call__(self, what: str, found: Iterable[T]) -> tuple[T, ...]:
        try:
            return tuple(found)
        except ClientError as error:
            if not is_denied(error):
                raise
            self.unseen.append(Unseen(what=what, reason=f"{error.operation_name}: {message(error)}"))
            return ()


def say_unseen(context: Context, unseen: Iterable[Unseen]) -> None:
    """Say what the caller may not look for."""
    for one in unseen:
        context.say(f"could not read {one.what}: {one.reason}")


def stacks(context: Context, *, every: bool) -> tuple[dict[str, tuple[str, ...]], list[Unseen]]:
    """The context's stack, or ``every`` stack with a trace, with the tables that carry its tag; and what is unseen."""
    look, tables = Lookups(), defaultdict[str, list[str]](list)
    # https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
    tagging, tagged = context.clients("resourcegroupstaggingapi"), [{"Key": STACK_TAG}]
    resources = rows(tagging, "get_resources", "ResourceTagMappingList", TagFilters=tagged)
    for resource in look("tagged resources", resources):
        (stack,) = [tag["Value"] for tag in resource["Tags"] if tag["Key"] == STACK_TAG]
        tables[stack] += [name for name in [stack_tables.name_of(resource["ResourceARN"])] if name]
    names = {context.stack}
    if every:
        # Also those deleted in the last 90 days: their logs may remain.
        listed = look("stacks", rows(context.clients("cloudformation"), "list_stacks", "StackSummaries"))
        stages = {summary["StackName"] for summary in listed if summary["StackName"].startswith(PREFIX)}
        names = {*tables, *stages, *(tag for _, tag in look("roles", _tagged_roles(context.clients("iam"))))}
    return {name: tuple(tables.get(name, ())) for name in sorted(names)}, look.unseen


def take(context: Context, *, more_tables: Collection[str] = (), tagged: Iterable[str] = ()) -> Inventory:
    """Everything that remains of ``context.stack``.

    ``more_tables`` are names of tables that the caller assigns to the deployment. Tables that are
    only ``tagged`` belong to it too, but their backups may be someone else's.
    """
    clients, stack, look = context.clients, context.stack, Lookups()
    dynamodb = clients("dynamodb")
    found_vaults = look("vaults", vaults.find(clients("backup"), stack))
    every_role = look("roles", roles(clients("iam"), stack, context.region))
    own_roles = tuple(role for role in every_role if not role.elsewhere)
    earlier = look("earlier stacks", deleted_stacks(clients, stack))
    found_keys = look("keys", keys(clients("kms"), stack, found_vaults))
    usable = {key.arn for key in found_keys if not key.scheduled}
    users = look("tables", stack_tables.encrypted_with(dynamodb, usable))
    names = table_names(stack, found_vaults, own_roles, earlier) | set(more_tables)
    names |= {table.name for table in users if table.stack == stack}
    existing = look("tables", stack_tables.existing(dynamodb, sorted({*names, *tagged})))
    # A table that exists without the stack's tag keeps its backups, whatever its name is; so does
    # a table whose tag the caller may not read.
    others = {table.name for table in existing if table.stack != stack} - set(more_tables)
    if any(unseen.what == "tables" for unseen in look.unseen):
        others = names
    restored = look("restored tables", stack_tables.untagged(context, names, {table.name for table in existing}))
    backups = look("table backups", vaults.table_backups(dynamodb, sorted(names - others)))
    traces: list[Vault | Role | StackDescription] = [*found_vaults, *own_roles, *earlier]
    first = min((trace.created for trace in traces if trace.created), default=None)

    def is_older(backup: NativeBackup) -> bool:
        own = backup.system or backup.table in more_tables
        # AWS gives some times in whole seconds.
        return bool(not own and first and backup.created and backup.created < first.replace(microsecond=0))

    used = {table.key: table.name for table in users}
    return Inventory(
        vaults=found_vaults,
        backups=tuple(backup for backup in backups if not is_older(backup)),
        older=tuple(backup for backup in backups if is_older(backup)),
        tables=(*(table for table in existing if table.name not in others), *restored),
        roles=own_roles,
        elsewhere=tuple(role for role in every_role if role.elsewhere),
        keys=tuple(dataclasses.replace(key, used_by=used.get(key.arn, "")) for key in found_keys),
        log_groups=look("log groups", log_groups(clients("logs"), stack, existed=bool(traces))),
        unseen=tuple(dict.fromkeys(look.unseen)),
    )


def table_names(
    stack: str, found_vaults: Collection[Vault], roles: Collection[Role], earlier: Collection[StackDescription]
) -> set[str]:
    """The names that the deployment's table may have had when it was backed up.

    The stack's default name counts only if a trace shows that the stack existed: a guess must not
    reach other people's backups.
    """
    # Another role may have backed up its own table into this vault.
    own_role = f"{stack}-"[:_ROLE_NAME_START]
    points = (point for vault in found_vaults for point in vault.points if point.role.startswith(own_role))
    names = {
        *(vault.table for vault in found_vaults),
        *(stack_tables.name_of(point.resource) for point in points),
        *(table for role in roles for table in role.tables),
        *(old.outputs.get("TableName", "") for old in earlier),
    }
    if found_vaults or roles or earlier:
        names.add(default_table(stack) or "")
    return names - {""}


def roles(iam: Any, stack: str, region: str) -> Iterator[Role]:
    """The retained roles of ``stack``; IAM is global, so also those of the stack of that name in another region."""
    for listed, tag in _tagged_roles(iam):
        if tag != stack:
            continue
        name = listed["RoleName"]
        policies = tuple(rows(iam, "list_role_policies", "PolicyNames", RoleName=name))
        documents = (iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"] for policy in policies)
        subjects = _TABLE_ARN.findall(json.dumps(list(documents)))
        if subjects and region not in {where for where, _ in subjects}:
            yield Role(name=name, elsewhere=subjects[0][0])
            continue
        attached = rows(iam, "list_attached_role_policies", "AttachedPolicies", RoleName=name)
        yield Role(
            name=name,
            policies=policies,
            attached=tuple(policy["PolicyArn"] for policy in attached),
            tables=tuple(sorted({table for _, table in subjects if "*" not in table})),
            created=listed["CreateDate"],
        )


def _tagged_roles(iam: Any) -> Iterator[tuple[dict[str, Any], str]]:
    """The project's roles, which the tagging API leaves out, each with the stack that its tag names."""

    def list_them() -> list[tuple[dict[str, Any], str]]:
        with lanes(LANES) as opened:
            listed = rows(iam, "list_roles", "Roles", PathPrefix=ROLE_PATH)
            tags = [(role, opened.submit(_role_tags, iam, role["RoleName"])) for role in listed]
            found = [(role, future.result().get(STACK_TAG)) for role, future in tags]
        return [(role, stack) for role, stack in found if stack]

    yield from once(iam, "tagged roles", list_them)


def _role_tags(iam: Any, name: str) -> dict[str, str]:
    try:
        return {tag["Key"]: tag["Value"] for tag in rows(iam, "list_role_tags", "Tags", RoleName=name)}
    except ClientError as error:
        if code(error) != "NoSuchEntity":  # gone since it was listed
            raise
        return {}


def keys(kms: Any, stack: str, found_vaults: Iterable[Vault]) -> Iterator[Key]:
    """The keys of ``stack``: found by their alias and by the vaults they encrypt, decided by their tag."""
    candidates = {vault.key for vault in found_vaults if vault.key}
    for alias in rows(kms, "list_aliases", "Aliases"):
        if alias["AliasName"].startswith(f"alias/{stack}-") and alias.get("TargetKeyId"):
            candidates.add(alias["TargetKeyId"])
    found = {}
    for candidate in candidates:
        try:
            shown = kms.describe_key(KeyId=candidate)["KeyMetadata"]
            if shown.get("KeyManager") != "CUSTOMER":
                continue
            tags = {tag["TagKey"]: tag["TagValue"] for tag in rows(kms, "list_resource_tags", "Tags", KeyId=candidate)}
        except ClientError as error:
            if code(error) != "NotFoundException":
                raise
            continue
        if tags.get(STACK_TAG) == stack:
            scheduled = shown.get("KeyState") in ("PendingDeletion", "PendingReplicaDeletion")
            found[shown["Arn"]] = Key(arn=shown["Arn"], scheduled=scheduled, deleted_on=shown.get("DeletionDate"))
    yield from (found[arn] for arn in sorted(found))


def named_groups(logs: Any, prefix: str) -> Iterator[Any]:
    """The log groups whose names begin with ``prefix``."""
    operation, field, only = "describe_log_groups", "logGroups", {"logGroupNamePrefix": prefix}
    return vaults.rows_of(logs, operation, field, lambda group: group["logGroupName"].startswith(prefix), only)


def log_groups(logs: Any, stack: str, *, existed: bool) -> Iterator[str]:
    """The log groups of ``stack``.

    A Lambda function that runs once more while its stack is deleted creates its log group again,
    without tags. Then the name decides, which CloudFormation makes of stack, logical id (letters
    and digits) and a random end; and only if other traces show that the stack ``existed``.
    """
    for prefix in (f"/aws/lambda/{stack}-", f"{stack}-"):
        own_name = re.compile(re.escape(prefix) + _LOGICAL_ID_AND_RANDOM_END)
        for group in named_groups(logs, prefix):
            try:
                tags = logs.list_tags_for_resource(resourceArn=group["arn"].removesuffix(":*"))["tags"]
            except ClientError as error:
                if code(error) != "ResourceNotFoundException":  # gone since it was listed
                    raise
                continue
            by_name = STACK_TAG not in tags and existed and own_name.fullmatch(group["logGroupName"])
            if tags.get(STACK_TAG) == stack or by_name:
                yield group["logGroupName"]
