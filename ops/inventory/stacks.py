"""Find every stack of this project in the account and region, deployed or only its traces."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from cli.command_line import Context
from cli.errors import code
from model.names import PREFIX, ROLE_PATH, STACK_TAG
from ops.inventory import tables
from ops.inventory.found import Unseen
from ops.inventory.inventory import Looks


@dataclass(frozen=True, kw_only=True)
class Names:
    """The names of stacks, each with the tables that carry its tag."""

    tables: dict[str, tuple[str, ...]]
    unseen: tuple[Unseen, ...]


def names(context: Context, *, every: bool) -> Names:
    """The stack that the command line names; with ``every``, all that left any trace."""
    look = Looks()
    tagging = context.clients("resourcegroupstaggingapi")
    found = defaultdict[str, list[str]](list)
    for stack, arn in look("tagged resources", lambda: _tagged(tagging)):
        found[stack] += [name for name in [tables.name_of(arn)] if name]
    if not every:
        own = tuple(found.get(context.stack, ()))
        return Names(tables={context.stack: own}, unseen=tuple(look.unseen))
    others = [
        *look("stacks", lambda: _stacks(context.clients("cloudformation"))),
        *look("roles", lambda: _of_roles(context.clients("iam"))),
    ]
    listed = sorted(found.keys() | set(others))
    return Names(tables={name: tuple(found.get(name, ())) for name in listed}, unseen=tuple(look.unseen))


def _tagged(tagging: Any) -> Iterator[tuple[str, str]]:
    """Stack and ARN of everything in the region that carries the project's tag.

    https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
    """
    pages = tagging.get_paginator("get_resources").paginate(TagFilters=[{"Key": STACK_TAG}])
    for page in pages:
        for resource in page["ResourceTagMappingList"]:
            tags = {tag["Key"]: tag["Value"] for tag in resource["Tags"]}
            yield tags[STACK_TAG], resource["ResourceARN"]


def _stacks(cloudformation: Any) -> Iterator[str]:
    """The stages' stacks, also those deleted in the last 90 days: their logs may have stayed."""
    for page in cloudformation.get_paginator("list_stacks").paginate():
        for summary in page["StackSummaries"]:
            if summary["StackName"].startswith(PREFIX):
                yield summary["StackName"]


def _of_roles(iam: Any) -> Iterator[str]:
    """The stacks of the project's roles, which the tagging API leaves out."""
    for page in iam.get_paginator("list_roles").paginate(PathPrefix=ROLE_PATH):
        for role in page["Roles"]:
            try:
                tags = iam.list_role_tags(RoleName=role["RoleName"])["Tags"]
            except ClientError as error:
                if code(error) != "NoSuchEntity":  # gone since it was listed
                    raise
                continue
            yield from (tag["Value"] for tag in tags if tag["Key"] == STACK_TAG)
