"""Which table a command is about, while the stack exists and after it is gone."""

from botocore.exceptions import ClientError

from cli.clients import default_table, deleted_stacks, find_stack
from cli.command_line import Context
from cli.errors import OpsError, UsageError, is_denied
from model.names import TABLE_NAME
from ops.inventory import vaults


def names(context: Context, given: str | None = None) -> tuple[str, ...]:
    """The table's name, and the earlier ones that a destroyed stack's traces tell of.

    Looked for in this order: ``given``, the stack's outputs, the tags of its
    vaults, the outputs of earlier stacks of the name, the name that the stage's
    table has unless a setting says otherwise.

    Raises UsageError for a malformed name, OpsError when nothing tells one.
    """
    if given is not None:
        return (check("--table", given),)
    deployed = find_stack(context.clients, context.stack)
    if deployed and deployed.outputs.get("TableName"):
        return (deployed.outputs["TableName"],)
    traces = [*_from_vaults(context), *_from_earlier_stacks(context)]
    found = tuple(dict.fromkeys(name for name in traces if name))
    default = default_table(context.stack)
    if not found and default is None:
        raise OpsError(
            f"stack {context.stack} is not in {context.region} and left nothing that names its "
            "table; name it with --table"
        )
    return found or (str(default),)


def arn(context: Context, table: str) -> str:
    """The ARN that ``table`` has, or had."""
    partition = context.clients.partition
    return f"arn:{partition}:dynamodb:{context.region}:{context.account}:table/{table}"


def check(option: str, name: str) -> str:
    """``name``. Raises UsageError when no table can be called so."""
    if not TABLE_NAME.fullmatch(name):
        raise UsageError(f"{option} '{name}' is not a table name: 3 to 255 letters, digits, '_', '.' and '-'")
    return name


def _from_vaults(context: Context) -> list[str]:
    try:
        return [vault.table for vault in vaults.tagged(context.clients("backup"), context.stack)]
    except ClientError as error:
        if not is_denied(error):
            raise
        return []


def _from_earlier_stacks(context: Context) -> list[str]:
    try:
        earlier = deleted_stacks(context.clients, context.stack)
        return [old.outputs.get("TableName", "") for old in earlier]
    except ClientError as error:
        if not is_denied(error):
            raise
        return []
