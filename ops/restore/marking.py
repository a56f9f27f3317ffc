"""Tags on a restored table, which comes without any: whose it is, and of what it is a copy."""

from collections.abc import Mapping

from botocore.exceptions import ClientError

from cli.command_line import Context
from cli.errors import explain
from model.names import STACK_TAG
from ops.inventory.stack_tables import RESTORED_TAG


def mark(context: Context, name: str, *, restored: str, more: Mapping[str, str] | None = None) -> None:
    """Tag the table ``name``, so that inventory and clean-up find it.

    ``restored`` is the table that was backed up. A caller who may not is told;
    the table is good without.
    """
    tags = {STACK_TAG: context.stack, RESTORED_TAG: restored, **(more or {})}
    dynamodb = context.clients("dynamodb")
    try:
        arn = dynamodb.describe_table(TableName=name)["Table"]["TableArn"]
        dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": key, "Value": value} for key, value in tags.items()])
    except ClientError as error:
        context.say(f"table {name} has no tags, and no inventory will find it: {explain(error)}")
