"""Which exercise shows that a permission is needed, and which permissions none can show."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tests.privileges import exercises
from tests.privileges.exercises import Exercise
from tests.privileges.statements import Permission

_GUIDE = "https://docs.aws.amazon.com"
_TABLE_KEY = (
    "documented by DynamoDB for tables with a customer key; the embedded AWS checks kms:Decrypt only "
    f"({_GUIDE}/amazondynamodb/latest/developerguide/"
    "encryption.usagenotes.html)"
)
_BACKUP_KEY = (
    "part of AWS Backup's own policy for encrypted tables; the embedded AWS encrypts nothing "
    f"({_GUIDE}/aws-managed-policy/latest/reference/"
    "AWSBackupServiceRolePolicyForBackup.html)"
)
_RESTORE_KEY = _BACKUP_KEY.replace("ForBackup", "ForRestores")
_TAGS = (
    "part of AWS Backup's own policy for tags; the effect of its absence is not documented "
    f"({_GUIDE}/aws-managed-policy/latest/reference/AWSBackupServiceRolePolicyForBackup.html)"
)
_MAP_RUN = (
    "documented for a Distributed Map; the embedded AWS checks states:StartExecution only "
    f"({_GUIDE}/step-functions/latest/dg/iam-policies-eg-dist-map.html)"
)
_OF_TABLE_KEY = (
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)
_OF_BACKUP_KEY = ("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey")
_OF_RESTORE_KEY = ("kms:CreateGrant", "kms:Decrypt", *_OF_TABLE_KEY)
# Whose action on what, and the reason. A test demands that it has neither more nor less.
NOT_PROVABLE: list[tuple[str, Sequence[str], str, str]] = [
    ("ConversationsIndexingRole", _OF_TABLE_KEY, "StageKey", _TABLE_KEY),
    ("SeedSeedingRole", _OF_TABLE_KEY, "StageKey", _TABLE_KEY),
    ("DatasetWorkerRole", _OF_TABLE_KEY, "StageKey", _TABLE_KEY),
    ("BackupRole", _OF_BACKUP_KEY, "StageKey", _BACKUP_KEY),
    ("BackupRestoreRole", _OF_RESTORE_KEY, "StageKey", _RESTORE_KEY),
    ("BackupTestingRole", _OF_RESTORE_KEY, "StageKey", _RESTORE_KEY),
    ("BackupRole", ("backup:TagResource",), "recovery-point:*", _TAGS),
    # Of the copies, in the other region.
    ("BackupRole", _OF_BACKUP_KEY, "key/* in eu-central-1", _BACKUP_KEY),
    ("BackupRole", ("backup:TagResource",), "recovery-point:* in eu-central-1", _TAGS),
    (
        "DatasetLoadingRole",
        ("states:DescribeExecution", "states:StopExecution"),
        "execution:DatasetLoadingMachine:*",
        _MAP_RUN,
    ),
]


@dataclass(frozen=True)
class Proof:
    """``exercise`` fails without the permission, and says ``said``; ``title`` is what it does."""

    title: str
    exercise: Exercise
    said: str


# In order: the first whose holder, action and resource match. What is said is the action's name,
# unless AWS says something else.
_RULES: list[tuple[str, str, str, str, Exercise, str]] = [
    # holder, action, resource, what it does, exercise, what is said without it
    (".*Role", "logs:.*", ".*", "the function's log", exercises.logs, ""),
    (
        "AlarmsBackupRole",
        "sts:AssumeRole|sns:Publish|kms:(Decrypt|GenerateDataKey)",
        ".*",
        "an AWS Backup event reaches the topic",
        exercises.send_backup_event,
        "",
    ),
    (".*", "sts:AssumeRole", "the role", "the service assumes the role", exercises.trusts, "TRUST"),
    (
        "SeedSeedingRole",
        "dynamodb:(Scan|BatchWriteItem)",
        ".*",
        "a first seed with many messages",
        exercises.seed_many,
        "",
    ),
    ("SeedSeedingRole", "dynamodb:.*|kms:Decrypt", ".*", "a seed update", exercises.seed_update, ""),
    ("SeedSeedingRole", "s3:GetObject", ".*", "a seed from an asset", exercises.seed_file, ""),
    ("SeedSeedingRole", "cognito-idp:ListUsers", ".*", "a seed with a user pool", exercises.seed_users, ""),
    (".*Provider.*Role", "lambda:GetFunction", ".*", "waiting for an inactive function", exercises.ask_for_state, ""),
    (
        ".*Providerwaiterstatemachine.*",
        "lambda:InvokeFunction",
        ".*onTimeout",
        "a timeout of the custom resource",
        exercises.give_up_waiting,
        "",
    ),
    (
        ".*Providerwaiterstatemachine.*",
        "lambda:InvokeFunction",
        ".*isComplete",
        "polling the custom resource",
        exercises.wait_for_handler,
        "",
    ),
    (
        ".*Provider.*Role",
        "lambda:InvokeFunction|states:StartExecution",
        ".*",
        "a CloudFormation event",
        exercises.call_handler,
        "",
    ),
    (
        "ConversationsIndexingRole",
        "dynamodb:DeleteItem",
        ".*",
        "deleting a conversation's last message",
        exercises.index_deletion,
        "",
    ),
    (
        "ConversationsIndexingRole",
        "dynamodb:(Query|UpdateItem)|kms:Decrypt",
        ".*",
        "updating lists after a message",
        exercises.index_message,
        "",
    ),
    (
        "ConversationsIndexingRole",
        "dynamodb:.*",
        ".*/stream|\\*",
        "reading the stream",
        exercises.read_stream,
        "Cannot access stream",
    ),
    (
        "ConversationsIndexingRole",
        "sqs:SendMessage",
        ".*",
        "sending to the failure queue",
        exercises.read_stream,
        "does not have permissions to call SendMessage on SQS",
    ),
    (
        "BackupRole",
        "tag:GetResources",
        ".*",
        "the plan selects the table",
        exercises.select,
        "is not authorized to call tag:GetResources",
    ),
    (
        "BackupRole",
        "dynamodb:DescribeTable",
        ".*",
        "a backup",
        exercises.take_backup,
        "does not have permission to describe resource",
    ),
    ("BackupRole", "dynamodb:(ListTagsOfResource|StartAwsBackupJob)", ".*", "a backup", exercises.take_backup, ""),
    (
        "BackupRole",
        "dynamodb:(CreateBackup|DescribeBackup)",
        ".*",
        "a backup kept by DynamoDB",
        exercises.take_basic_backup,
        "",
    ),
    (
        "BackupRole",
        "backup:(CopyFrom|CopyInto|Describe)BackupVault",
        ".*",
        "a copy of a backup",
        exercises.copy_backup,
        "",
    ),
    ("BackupRole", "dynamodb:DeleteBackup", ".*", "expiry of a backup kept by DynamoDB", exercises.expire_backup, ""),
    (
        "Backup(Restore|Testing)Role",
        "dynamodb:RestoreTableFromBackup",
        ".*",
        "restoring a backup kept by DynamoDB",
        exercises.restore_basic,
        "",
    ),
    ("Backup(Restore|Testing)Role", "dynamodb:.*", ".*", "a restore", exercises.restore, ""),
    (
        "BackupTestingValidationRole",
        "(backup|dynamodb):.*|kms:Decrypt",
        ".*",
        "restore validation",
        exercises.validate,
        "",
    ),
    (
        "BackupTestingValidationFunction",
        "lambda:InvokeFunction",
        ".*",
        "the event rule invokes the function",
        exercises.tell_of_restore,
        "",
    ),
    ("BackupEmptyingRole", "backup:.*", ".*", "emptying the vault", exercises.empty_vault, ""),
    ("BackupEmptyingRole", "cloudformation:DescribeStacks", ".*", "keeping the vault", exercises.keep_vault, ""),
    ("DatasetWorkerRole", "dynamodb:.*|kms:Decrypt", ".*", "writing a dataset batch", exercises.load_batch, ""),
    ("Dataset(Checking|Loading)Role", ".*", ".*", "loading a dataset", exercises.load, ""),
    ("DatasetStartingRole", "states:.*", ".*", "starting and stopping a load", exercises.start_load, ""),
    ("DatasetWatchingRole", "states:.*", ".*", "the error of a failed load", exercises.watch_load, ""),
    (
        "AlarmsTopicPolicy|StageKey",
        "sns:Publish|kms:(Decrypt|GenerateDataKey)",
        "cloudwatch",
        "an alarm reaches the topic",
        exercises.send_alarm,
        "",
    ),
    (
        "AlarmsTopicPolicy|ConversationsFailuresPolicy",
        "sns:Publish|sqs:\\*",
        "everybody",
        "refusing messages without TLS",
        exercises.send_plainly,
        "taken without TLS",
    ),
    (
        "StageKey",
        "kms:CreateGrant",
        "everybody",
        "refusing grants for other principals",
        exercises.grant_key,
        "a grant for somebody else was made",
    ),
    ("StageKey", "kms:\\*", ".*", "a seed update on an encrypted table", exercises.seed_update, "kms:Decrypt"),
]
_TRUST = {
    "backup.amazonaws.com": "cannot be assumed by AWS Backup",
    "lambda.amazonaws.com": "The role defined for the function cannot be assumed by Lambda",
    "states.amazonaws.com": "is authorized to assume the provided role",
}


def proof(permission: Permission) -> Proof | None:
    """What shows that the permission is needed; None where nothing here can.

    Raises LookupError for one that nobody thought of.
    """
    if reason(permission):
        return None
    for holder, action, resource, title, exercise, said in _RULES:
        where = permission.principal.split(".")[0] if permission.principal else ""
        about = where if resource in ("cloudwatch", "events", "everybody") else permission.resource
        if (
            re.fullmatch(holder, permission.holder)
            and re.fullmatch(action, permission.action)
            and re.fullmatch(resource, about)
        ):
            return Proof(title, exercise, _said(permission, said))
    raise LookupError(f"no exercise for '{permission}': add one to tests/privileges, or take the permission away")


def reason(permission: Permission) -> str:
    """Why no exercise here can show that the permission is needed; empty when one can."""
    for holder, actions, resource, why in NOT_PROVABLE:
        wanted = (holder, resource)
        if (permission.holder, permission.resource) == wanted and permission.action in actions:
            return why
    return ""


def _said(permission: Permission, said: str) -> str:
    if said == "TRUST":
        return _TRUST[permission.principal]
    # An action with a wildcard is missed under one of the names that it stands for.
    return said or f"not authorized to perform: {permission.action.rstrip('*')}"


# Whose action on every resource, and why the service leaves no choice. Exactly these, in any stage.
_NO_RESOURCE = "the action supports no resource types (Service Authorization Reference)"
_OWN_POLICY = "in a key policy, `*` is the key itself"
ON_EVERYTHING: dict[tuple[str, str], str] = {
    ("ConversationsIndexingRole", "dynamodb:ListStreams"): _NO_RESOURCE,
    ("BackupRole", "tag:GetResources"): _NO_RESOURCE,
    ("BackupEmptyingRole", "backup:ListBackupJobs"): _NO_RESOURCE,
    ("BackupTestingValidationRole", "backup:DescribeRestoreJob"): _NO_RESOURCE,
    ("BackupTestingValidationRole", "backup:PutRestoreValidationResult"): _NO_RESOURCE,
    ("StageKey", "kms:*"): _OWN_POLICY,
    ("StageKey", "kms:CreateGrant"): _OWN_POLICY,
    ("StageKey", "kms:Decrypt"): _OWN_POLICY,
    ("StageKey", "kms:GenerateDataKey"): _OWN_POLICY,
}
