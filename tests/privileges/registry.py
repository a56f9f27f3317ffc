"""Which exercise shows that a permission is needed, which permissions none can show, and the table of both."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tests.privileges import exercises
from tests.privileges.exercises import Exercise
from tests.privileges.statements import Permission

_GUIDE = "https://docs.aws.amazon.com"
_POLICY = f"{_GUIDE}/aws-managed-policy/latest/reference/AWSBackupServiceRolePolicyFor"
_BACKUP_KEY = (
    f"part of AWS Backup's own policy for encrypted tables; the embedded AWS encrypts nothing ({_POLICY}Backup.html)"
)
_TABLE_KEY = (
    "documented by DynamoDB for tables with a customer key; the embedded AWS checks kms:Decrypt only "
    f"({_GUIDE}/amazondynamodb/latest/developerguide/encryption.usagenotes.html)"
)
_TAGS = f"part of AWS Backup's own policy for tags; the effect of its absence is not documented ({_POLICY}Backup.html)"
_MAP_RUN = (
    "documented for a Distributed Map; the embedded AWS checks states:StartExecution only "
    f"({_GUIDE}/step-functions/latest/dg/iam-policies-eg-dist-map.html)"
)
_OF_TABLE = (
    "kms:DescribeKey kms:Encrypt kms:GenerateDataKey kms:GenerateDataKeyWithoutPlaintext kms:ReEncryptFrom "
    "kms:ReEncryptTo"
)
_OF_BACKUP = "kms:CreateGrant kms:Decrypt kms:DescribeKey kms:GenerateDataKey"
_OF_RESTORE = f"kms:CreateGrant kms:Decrypt {_OF_TABLE}"
_RUNS = "states:DescribeExecution states:StopExecution"
_RESTORE_KEY = _BACKUP_KEY.replace("ForBackup", "ForRestores")
# Whose actions on what, and the reason. A test demands that it has neither more nor less.
NOT_PROVABLE: list[tuple[str, list[str], str, str]] = [
    (holder, actions.split(), resource, why)
    for holder, actions, resource, why in (
        ("ConversationsIndexingRole", _OF_TABLE, "StageKey", _TABLE_KEY),
        ("SeedSeedingRole", _OF_TABLE, "StageKey", _TABLE_KEY),
        ("DatasetWorkerRole", _OF_TABLE, "StageKey", _TABLE_KEY),
        ("BackupRole", _OF_BACKUP, "StageKey", _BACKUP_KEY),
        ("BackupRestoreRole", _OF_RESTORE, "StageKey", _RESTORE_KEY),
        ("BackupTestingRole", _OF_RESTORE, "StageKey", _RESTORE_KEY),
        ("BackupRole", "backup:TagResource", "recovery-point:*", _TAGS),
        # Of the copies, in the other region.
        ("BackupRole", _OF_BACKUP, "key/* in eu-central-1", _BACKUP_KEY),
        ("BackupRole", "backup:TagResource", "recovery-point:* in eu-central-1", _TAGS),
        ("DatasetLoadingRole", _RUNS, "execution:DatasetLoadingMachine:*", _MAP_RUN),
    )
]
REASONS = list(dict.fromkeys(why for *_, why in NOT_PROVABLE))


@dataclass(frozen=True)
class Proof:
    """``exercise`` fails without the permission, and says ``said``; ``title`` is what it does."""

    title: str
    exercise: Exercise
    said: str


# In order: the first whose holder, action and resource match. Then the exercise, what it does, and what
# is said without the permission: that names the action, unless AWS says something else.
_RULES = r"""
.*Role ; logs:.* ; .* ; logs ; the function's log
AlarmsBackupRole ; .* ; .* ; send_backup_event ; an AWS Backup event reaches the topic
.* ; sts:AssumeRole ; the role ; trusts ; the service assumes the role ; TRUST
SeedSeedingRole ; dynamodb:(Scan|BatchWriteItem) ; .* ; seed_first ; a first seed with many messages
SeedSeedingRole ; dynamodb:.*|kms:Decrypt ; .* ; seed_update ; a seed update
SeedSeedingRole ; s3:GetObject ; .* ; seed_first ; a seed from an asset
SeedSeedingRole ; cognito-idp:ListUsers ; .* ; seed_first ; a seed with a user pool
.*Provider.*Role ; lambda:GetFunction ; .* ; ask_for_state ; waiting for an inactive function
.*waiterstatemachine.* ; lambda:.* ; .*onTimeout ; give_up_waiting ; a timeout of the custom resource
.*waiterstatemachine.* ; lambda:.* ; .*isComplete ; give_up_waiting ; polling the custom resource
.*Provider.*Role ; lambda:InvokeFunction|states:StartExecution ; .* ; call_handler ; a CloudFormation event
ConversationsIndexingRole ; dynamodb:DeleteItem ; .* ; index ; deleting a conversation's last message
ConversationsIndexingRole ; dynamodb:(Query|Update.*)|kms:Decrypt ; .* ; index ; updating lists after a message
ConversationsIndexingRole ; dynamodb:.* ; .*/stream|\* ; read_stream ; reading the stream ; Cannot access stream
ConversationsIndexingRole ; sqs:.* ; .* ; read_stream ; sending to the failure queue ; call SendMessage on SQS
BackupRole ; tag:GetResources ; .* ; select ; the plan selects the table ; is not authorized to call tag:GetResources
BackupRole ; dynamodb:DescribeTable ; .* ; take_backup ; a backup ; does not have permission to describe resource
BackupRole ; dynamodb:(ListTagsOfResource|StartAwsBackupJob) ; .* ; take_backup ; a backup
BackupRole ; dynamodb:(CreateBackup|DescribeBackup) ; .* ; take_backup ; a backup kept by DynamoDB
BackupRole ; backup:(CopyFrom|CopyInto|Describe)BackupVault ; .* ; copy_backup ; a copy of a backup
BackupRole ; dynamodb:DeleteBackup ; .* ; expire_backup ; expiry of a backup kept by DynamoDB
Backup(Restore|Testing)Role ; .*:RestoreTableFromBackup ; .* ; restore ; restoring a backup kept by DynamoDB
Backup(Restore|Testing)Role ; dynamodb:.* ; .* ; restore ; a restore
BackupTestingValidationRole ; (backup|dynamodb):.*|kms:Decrypt ; .* ; validate ; restore validation
BackupTestingValidationFunction ; lambda:InvokeFunction ; .* ; tell_of_restore ; the event rule invokes the function
BackupEmptyingRole ; backup:.* ; .* ; empty_vault ; emptying the vault
BackupEmptyingRole ; cloudformation:DescribeStacks ; .* ; keep_vault ; keeping the vault
DatasetWorkerRole ; dynamodb:.*|kms:Decrypt ; .* ; load ; writing a dataset batch
Dataset(Checking|Loading|Worker)Role ; s3:.* ; .*/\*|assets ; load ; loading an export
Dataset(Checking|Loading)Role ; .* ; .* ; load ; loading a dataset
DatasetStartingRole ; states:.* ; .* ; start_load ; starting and stopping a load
DatasetWatchingRole ; states:.* ; .* ; watch_load ; the error of a failed load
AlarmsTopicPolicy|StageKey ; .* ; cloudwatch ; send_alarm ; an alarm reaches the topic
AlarmsTopicPolicy|.*FailuresPolicy ; .* ; everybody ; send_plainly ; refusing messages without TLS ; was accepted
StageKey ; kms:CreateGrant ; everybody ; grant_key ; refusing grants for other principals ; a grant was made
StageKey ; kms:\* ; .* ; seed_update ; a seed update on an encrypted table ; kms:Decrypt
"""
_TRUST = {
    "backup.amazonaws.com": "cannot be assumed by AWS Backup",
    "lambda.amazonaws.com": "The role defined for the function cannot be assumed by Lambda",
    "states.amazonaws.com": "is authorized to assume the provided role",
}


def proof(permission: Permission) -> Proof | None:
    """What shows that the permission is needed; None where nothing here can.

    Raises LookupError for a permission without an exercise.
    """
    if reason(permission):
        return None
    # "cloudwatch" of "cloudwatch.amazonaws.com", or "everybody".
    principal = permission.principal.split(".")[0]
    for rule in _RULES.strip().splitlines():
        holder, action, resource, exercise, title, *said = rule.split(" ; ")
        about = principal if resource in ("cloudwatch", "everybody") else permission.resource
        wanted = ((holder, permission.holder), (action, permission.action), (resource, about))
        if all(re.fullmatch(pattern, text) for pattern, text in wanted):
            # An action with a wildcard is missed under one of the names that it stands for.
            denied = f"not authorized to perform: {permission.action.rstrip('*')}"
            error = _TRUST[permission.principal] if said == ["TRUST"] else said[0] if said else denied
            return Proof(title, getattr(exercises, exercise), error)
    raise LookupError(f"no exercise for '{permission}': add one to tests/privileges, or remove the permission")


def reason(permission: Permission) -> str:
    """Why no exercise here can show that the permission is needed; empty when one can."""
    for holder, actions, resource, why in NOT_PROVABLE:
        if (permission.holder, permission.resource) == (holder, resource) and permission.action in actions:
            return why
    return ""


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


_CONDITION_KEY = re.compile(r"\b(?:aws|kms):[A-Z][\w:/-]*")


def table(found: Iterable[Permission]) -> list[str]:
    """The lines of the table: a row for each role, and for each principal of a resource's policy.

    What all roles have is left out: the trust in their service, which stands beside the name, and
    writing to the function's own log group.
    """
    services: dict[str, str] = {}
    rows: dict[tuple[str, str, str], list[Permission]] = {}
    for each in found:
        trust = each.action == "sts:AssumeRole"
        if trust:
            services[each.holder] = each.principal.split(".")[0]
        row = rows.setdefault((each.holder, each.effect, "" if trust else each.principal), [])
        if not ((trust and not each.condition) or each.action.startswith("logs:")):
            row.append(each)
    head = ["| who | may | needed for |", "|---|---|---|"]
    return head + [_row(who, same, services.get(who[0], "")) for who, same in rows.items()]


def everywhere() -> list[str]:
    """The lines of the table of what is allowed on every resource: a row for each reason."""
    rows = ["| allowed on `*` | reason |", "|---|---|"]
    for why in dict.fromkeys(ON_EVERYTHING.values()):
        named = [f"`{who}` `{what}`" for (who, what), given in ON_EVERYTHING.items() if given == why]
        rows.append(f"| {', '.join(named)} | {why} |")
    return rows


def _effect(permission: Permission) -> str:
    """What breaks without the permission."""
    shown = proof(permission)
    return shown.title if shown else f"not provable here ({REASONS.index(reason(permission)) + 1})"


def _row(who: tuple[str, str, str], same: list[Permission], service: str) -> str:
    """The row of what one holder may (or may not) do, by resource."""
    holder, verb, principal = who
    principal = "all principals" if principal == "everybody" else principal
    name = f"`{holder}`" + (f" ({service})" if service else f" for {principal}" if principal else "")
    actions: dict[str, dict[str, None]] = {}
    for each in same:
        keys = ", ".join(_CONDITION_KEY.findall(each.condition))
        on = f"`{each.resource}`" + (f" if {keys}" if keys else "")
        actions.setdefault(on, {})[each.action] = None
    resources: dict[str, list[str]] = {}
    for on, names in actions.items():
        resources.setdefault(", ".join(f"`{name}`" for name in names), []).append(on)
    may = "; ".join(f"{names} on {', '.join(on)}" for names, on in resources.items()) or "nothing more"
    breaks = "; ".join(dict.fromkeys(map(_effect, same))) or "-"
    return f"| {name} | {'denied: ' if verb == 'Deny' else ''}{may} | {breaks} |"
