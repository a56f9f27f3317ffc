"""Find a deployment's retained roles and keys, and the log groups nobody deleted."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from botocore.exceptions import ClientError

from cli.errors import code
from model.names import ROLE_PATH, STACK_TAG
from ops.inventory.found import Key, Role, Vault

_TABLE_ARN = re.compile(r"arn:[\w-]+:dynamodb:([a-z0-9-]+):\d+:table/([\w.-]+)")
# The CDK's logical ids end in eight hexadecimal digits, unless CloudFormation had to shorten one to
# 24 characters or more. Random ends are such as -1A2B3C4D5E6F7 or -nTz9TlTGBnHz.
_LOGICAL_ID_AND_RANDOM_END = (
    r"[A-Za-z](?:[A-Za-z0-9]*[0-9A-F]{8}|[A-Za-z0-9]{23,})"
    r"-(?=[a-z]*[A-Z0-9])[A-Za-z0-9]{12,13}"
)
_ENDING = frozenset({"PendingDeletion", "PendingReplicaDeletion"})


def roles(iam: Any, stack: str, region: str) -> Iterator[Role]:
    """The retained roles of ``stack``.

    IAM is global: a role whose policies are about a table elsewhere belongs to
    the stack of the same name in that other region, and says so.
    """
    for page in iam.get_paginator("list_roles").paginate(PathPrefix=ROLE_PATH):
        for listed in page["Roles"]:
            try:
                found = _role(iam, listed, stack, region)
            except ClientError as error:
                if code(error) != "NoSuchEntity":  # gone since it was listed
                    raise
                continue
            if found:
                yield found


def _role(iam: Any, listed: dict[str, Any], stack: str, region: str) -> Role | None:
    name = listed["RoleName"]
    tags = iam.get_paginator("list_role_tags").paginate(RoleName=name).build_full_result()["Tags"]
    if {"Key": STACK_TAG, "Value": stack} not in tags:
        return None
    policies = _names(iam, "list_role_policies", name, "PolicyNames")
    documents = [
        json.dumps(iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]) for policy in policies
    ]
    subjects = _TABLE_ARN.findall(" ".join(documents))
    if subjects and region not in {where for where, _ in subjects}:
        return Role(name=name, elsewhere=subjects[0][0])
    attached = _names(iam, "list_attached_role_policies", name, "AttachedPolicies")
    return Role(
        name=name,
        policies=tuple(policies),
        attached=tuple(policy["PolicyArn"] for policy in attached),
        tables=tuple(sorted({table for _, table in subjects})),
        created=listed["CreateDate"],
    )


def _names(iam: Any, operation: str, role: str, field: str) -> list[Any]:
    pages = iam.get_paginator(operation).paginate(RoleName=role)
    return [entry for page in pages for entry in page[field]]


def keys(kms: Any, stack: str, vaults: Iterable[Vault]) -> Iterator[Key]:
    """The keys of ``stack``: by their alias and by the vaults they encrypt, decided by tag."""
    candidates = {vault.key for vault in vaults if vault.key}
    for page in kms.get_paginator("list_aliases").paginate():
        for alias in page["Aliases"]:
            if alias["AliasName"].startswith(f"alias/{stack}-") and alias.get("TargetKeyId"):
                candidates.add(alias["TargetKeyId"])
    found = {}
    for candidate in candidates:
        try:
            described = kms.describe_key(KeyId=candidate)["KeyMetadata"]
            if described.get("KeyManager") == "CUSTOMER" and _tag(kms, candidate) == stack:
                found[described["Arn"]] = _key(described)
        except ClientError as error:
            if code(error) != "NotFoundException":
                raise
    yield from (found[arn] for arn in sorted(found))


def _key(described: dict[str, Any]) -> Key:
    return Key(
        arn=described["Arn"], scheduled=described.get("KeyState") in _ENDING, deleted_on=described.get("DeletionDate")
    )


def _tag(kms: Any, key: str) -> str | None:
    pages = kms.get_paginator("list_resource_tags").paginate(KeyId=key)
    tags = {tag["TagKey"]: tag["TagValue"] for page in pages for tag in page["Tags"]}
    return tags.get(STACK_TAG)


def log_groups(logs: Any, stack: str, *, existed: bool) -> Iterator[str]:
    """The log groups of ``stack``.

    A Lambda function that runs once more while its stack goes makes its log
    group again, without tags. Then the name decides, which CloudFormation makes
    of stack, logical id (letters and digits) and a random end; and only where
    other traces say that there was such a stack (``existed``).
    """
    for prefix in (f"/aws/lambda/{stack}-", f"{stack}-"):
        own_name = re.compile(re.escape(prefix) + _LOGICAL_ID_AND_RANDOM_END)
        for page in logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix):
            for group in page["logGroups"]:
                name = group["logGroupName"]
                tag = _log_group_tag(logs, group["arn"].removesuffix(":*"))
                if tag == stack or (tag is None and existed and own_name.fullmatch(name)):
                    yield name


def _log_group_tag(logs: Any, arn: str) -> str | None:
    try:
        tags: dict[str, str] = logs.list_tags_for_resource(resourceArn=arn)["tags"]
    except ClientError as error:
        if code(error) == "ResourceNotFoundException":  # gone since it was listed
            return ""
        raise
    return tags.get(STACK_TAG)
