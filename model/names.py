"""Names and tags by which the app and its commands recognize a deployment, also after it was deleted."""

import re

# The names of stages; short enough for every name that is made of them.
STAGE = re.compile(r"[a-z][a-z0-9-]{0,30}")
STAGE_RULE = "a lower-case letter, then up to 30 of a-z, 0-9 and -"
REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-[0-9]+")
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
TABLE_NAME = re.compile(r"[A-Za-z0-9_.-]{3,255}")
# Stricter than the API, whose pattern knows nothing of regions: every id begins with one
# (https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_ListUsers.html).
USER_POOL = re.compile(rf"(?=.{{1,55}}\Z){REGION.pattern}_[0-9A-Za-z]+")

PREFIX = "Messages-"
STACK_TAG = "messages:stack"
TABLE_TAG = "messages:table"
ROLE_PATH = "/messages/"
# Environment variables of the functions: the table of the indexer, the vault that is to be emptied.
TABLE_VARIABLE, VAULT_VARIABLE = "TABLE_NAME", "VAULT_NAME"
# The permissions boundary of pull requests' stages.
PREVIEW_LIMITS = "MessagesPreviewLimits"


def stack_name(stage: str) -> str:
    """The stack of ``stage``."""
    return PREFIX + stage


def table_name(stage: str) -> str:
    """The table of ``stage``, unless a setting says otherwise."""
    return "Messages" if stage == "dev" else stack_name(stage)


def valid_table_name(text: str) -> str:
    """``text``. Raises ValueError unless it can be a table's name."""
    if not TABLE_NAME.fullmatch(text):
        raise ValueError(f"'{text}' is not a table name: 3 to 255 letters, digits, '_', '.' and '-'")
    return text


def copies_stack_name(stage: str, region: str) -> str:
    """The stack for copies of ``stage``'s backups in ``region``; no stage has a capital letter."""
    return f"{stack_name(stage)}-Copies-{region}"


def copies_vault_name(stage: str, region: str, *, keyed: bool) -> str:
    """The vault of that stack; a vault's key cannot be changed, so ``keyed`` is another vault.

    A fixed name, because the plan in the stage's region needs its ARN, and a destroy leaves the vault.
    """
    return f"{copies_stack_name(stage, region)}-{'k' if keyed else 'v'}"
