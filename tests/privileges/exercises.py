"""Exercises: each does what a role is for, and returns what went wrong, or nothing.

They invoke functions, run state machines and start jobs of AWS Backup in the deployed stage. What
a function does only when something else has failed is done with its role's own credentials.
"""

import contextlib
import json
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from embedded_aws.tests.support.steps import allow, back_up, eventually, listed, policy, restored
from model.messages import Item, message_item
from model.wire import from_wire, to_lines, to_wire
from tests.privileges.assemblies import BUCKET, COPIES
from tests.privileges.stage import Stage, refusal
from tests.privileges.statements import REGION, Permission

Exercise = Callable[[Stage, Permission], str]
DENIED = "not authorized to perform"
START = datetime(2026, 1, 1, tzinfo=UTC)
# More than fit into one transaction, so a first seed writes them in batches.
MANY = 120
TEST_TABLE = "awsbackup-restore-test-privileges"
ELSEWHERE = str(COPIES["copy_region"])
# An event for no resource: the function's result does not matter.
_NOTHING = {"PhysicalResourceId": "AWSCDK::CustomResourceProviderFramework::CREATE_FAILED"}
_EVENT = {"Source": "exercise", "DetailType": "exercise", "Detail": "{}"}
_PATTERN = json.dumps({"source": ["exercise"]})


def message(number: int, body: str = "Hi", recipient: str = "Jerry") -> Item:
    """One of Tom's messages."""
    return message_item(sender="Tom", recipient=recipient, body=body, sent_at=START + timedelta(minutes=number))


def logs(stage: Stage, permission: Permission) -> str:
    """Invoke the function; its log must arrive."""
    function, position = stage.running_as(permission.holder)[0], stage.log_position()
    stage.invoke(function, stage.event("Delete") | _NOTHING)
    return stage.refusals(position, f"log of {stage.name(function)} lost")


def trusts(stage: Stage, permission: Permission) -> str:
    """Give the role to what runs as it, once more."""
    role, service = stage.role(permission.holder), permission.principal
    if service == "backup.amazonaws.com":
        job = {"BackupVaultName": stage.vault, "ResourceArn": stage.known["TableArn"]}
        return refusal(stage.client("backup").start_backup_job, **job, IamRoleArn=role)
    runner = stage.name(stage.running_as(permission.holder)[0])
    if service == "lambda.amazonaws.com":
        return refusal(stage.client("lambda").update_function_configuration, FunctionName=runner, Role=role)
    return refusal(stage.client("stepfunctions").update_state_machine, stateMachineArn=runner, roleArn=role)


def seed_update(stage: Stage, _permission: Permission) -> str:
    """Bring a seeded table to a changed seed: one message more, one other, one less."""
    old = [message(1), message(2), message(3)]
    new = [message(1), message(2, "Hello"), message(4)]
    put(stage, *old)
    delete(stage, message(4))
    event = stage.event("Update", TableName=stage.table, Messages=[to_wire(item) for item in new])
    event["OldResourceProperties"] = {"TableName": stage.table, "Messages": [to_wire(item) for item in old]}
    return stage.failure("SeedSeedingFunction", event)


def seed_first(stage: Stage, _permission: Permission) -> str:
    """Write more messages between users of the pool than a transaction takes, from a file, to an empty table."""
    clear(stage)
    file = {"Bucket": BUCKET, "Key": "exercise.jsonl"}
    stage.client("s3").put_object(**file, Body="".join(to_lines([message(number) for number in range(MANY)])))
    event = stage.event("Create", TableName=stage.table, UserPoolId=stage.pool.id, **file)
    return stage.failure("SeedSeedingFunction", event)


def index(stage: Stage, _permission: Permission) -> str:
    """Follow a conversation's newest message, and the deletion of the only one in another."""
    sent, deleted = message(1, recipient="Spike"), message(1, recipient="Butch")
    put(stage, sent)
    changes = enumerate((sent, deleted))
    event = {"Records": [{"dynamodb": {"Keys": _key(item), "SequenceNumber": str(n)}} for n, item in changes]}
    return _logged(stage, "ConversationsIndexingFunction", event, lambda found: found == {"batchItemFailures": []})


def read_stream(stage: Stage, _permission: Permission) -> str:
    """Change the mapping of the stream to the function, which Lambda checks first."""
    mapping = stage.name("ConversationsIndexingFunctionStream")
    return refusal(stage.client("lambda").update_event_source_mapping, UUID=mapping, Enabled=False)


def call_handler(stage: Stage, permission: Permission) -> str:
    """Let the provider framework's function call the one that it wraps."""
    (function,) = (name for name in stage.running_as(permission.holder) if not name.endswith("onTimeout"))
    event = stage.event("Create", **_properties(stage))
    stage.invoke(function, event)
    return stage.reply(event)


def _properties(stage: Stage) -> dict[str, Any]:
    """The properties of all custom resources of the stage."""
    machine = stage.name("DatasetLoadingMachine")
    own = {"TableName": stage.table, "Messages": [], "VaultName": stage.vault, "StateMachineArn": machine}
    return own | {"Bucket": BUCKET, "Key": stage.dataset}


def ask_for_state(stage: Stage, permission: Permission) -> str:
    """Ask whether the function is active, as the framework does when a call fails."""
    function = stage.name(permission.resource)
    return refusal(stage.as_role(permission.holder, "lambda").get_function, FunctionName=function)


def give_up_waiting(stage: Stage, permission: Permission) -> str:
    """Run the state machine for a custom resource that is not complete in its time."""
    (machine,) = stage.running_as(permission.holder)
    given = stage.event("Create", **_properties(stage))
    if "Emptying" in machine:
        point(stage)
        given = _deletion(stage, stage.vault)
    with _replaced(stage):
        troubles = stage.run(machine, given)
    # That it was not complete is what the exercise is about.
    return troubles if DENIED in troubles else ""


def load(stage: Stage, _permission: Permission) -> str:
    """Load the dataset into an empty table."""
    clear(stage)
    return stage.run("DatasetLoadingMachine", _load(stage, stage.table))


def start_load(stage: Stage, _permission: Permission) -> str:
    """Start the load of a dataset, and stop one that was left running."""
    states, machine = stage.client("stepfunctions"), stage.name("DatasetLoadingMachine")
    definition = states.describe_state_machine(stateMachineArn=machine)["definition"]
    waiting = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 300, "End": True}}}
    states.update_state_machine(stateMachineArn=machine, definition=json.dumps(waiting))
    try:
        left = states.start_execution(stateMachineArn=machine)["executionArn"]
        event = stage.event("Update", **_properties(stage))
        found = stage.failure("DatasetStartingFunction", event)
    finally:
        states.update_state_machine(stateMachineArn=machine, definition=definition)
    for arn in (left, left.rsplit(":", 1)[0] + f":{event['RequestId']}"):
        with contextlib.suppress(ClientError):
            states.stop_execution(executionArn=arn)
    return found


def watch_load(stage: Stage, _permission: Permission) -> str:
    """Say why a load has failed, down to the error of a batch."""
    name, states = "wrong-table", stage.client("stepfunctions")
    machine = stage.name("DatasetLoadingMachine")
    if name not in [each["name"] for each in states.list_executions(stateMachineArn=machine)["executions"]]:
        # A batch of it fails, because the table is not the worker's.
        stage.run("DatasetLoadingMachine", _load(stage, "Messages-elsewhere"), name)
    event = stage.event("Update", **_properties(stage)) | {"RequestId": name}
    why = "calling the BatchGetItem operation"
    return _logged(stage, "DatasetWatchingFunction", event, lambda found: why in found.get("errorMessage", ""))


def _load(stage: Stage, table: str) -> dict[str, str]:
    return {"Bucket": BUCKET, "Key": stage.dataset, "Table": table}


def take_backup(stage: Stage, permission: Permission) -> str:
    """Back the table up, also in an account whose backups DynamoDB keeps."""
    found = _unless_completed(_back_up(stage, permission), "State")
    with basic(stage):
        return found or _unless_completed(_back_up(stage, permission), "State")


def expire_backup(stage: Stage, permission: Permission) -> str:
    """Have AWS Backup delete a backup that DynamoDB keeps; no service-linked role helps."""
    with basic(stage):
        arn = _back_up(stage, permission)["RecoveryPointArn"]
    position = stage.log_position()
    stage.configure(backup_service_linked_role=0)
    stage.client("backup").delete_recovery_point(BackupVaultName=stage.vault, RecoveryPointArn=arn)
    stage.configure(backup_service_linked_role=1)
    return stage.refusals(position, f"recovery point {arn} is EXPIRED")


def _back_up(stage: Stage, permission: Permission) -> Any:
    return back_up(stage.client, stage.vault, stage.table, stage.role(permission.holder))


def copy_backup(stage: Stage, permission: Permission) -> str:
    """Copy a backup to the vault of the stage's copies, in another region."""
    vault = f"{stage.stack}-Copies-{REGION}-k"
    _create_vault(stage, vault, region_name=ELSEWHERE)
    return _unless_completed(copy_to(stage, permission.holder, vault), "State")


def copy_to(stage: Stage, holder: str, vault: str) -> Any:
    """Copy a backup with a role to a vault of the other region; the job's description."""
    backup = stage.client("backup")
    job = backup.start_copy_job(
        RecoveryPointArn=point(stage),
        SourceBackupVaultName=stage.vault,
        DestinationBackupVaultArn=f"arn:aws:backup:{ELSEWHERE}:000000000000:backup-vault:{vault}",
        IamRoleArn=stage.role(holder),
    )["CopyJobId"]
    return backup.describe_copy_job(CopyJobId=job)["CopyJob"]


def select(stage: Stage, permission: Permission) -> str:
    """Select the table for a plan."""
    selection = {
        "SelectionName": f"exercise-{uuid.uuid4().hex[:8]}",
        "IamRoleArn": stage.role(permission.holder),
        "Resources": [stage.known["TableArn"]],
    }
    create = stage.client("backup").create_backup_selection
    return refusal(create, BackupPlanId=stage.known["BackupPlanId"], BackupSelection=selection)


def restore(stage: Stage, permission: Permission) -> str:
    """Restore a backup to a table of another name, also one that DynamoDB keeps."""
    found = _restore(stage, permission, point(stage))
    with basic(stage):
        return found or _restore(stage, permission, point(stage, basic=True))


def _restore(stage: Stage, permission: Permission, arn: str) -> str:
    testing = permission.holder == "BackupTestingRole"
    target = f"{TEST_TABLE}-{uuid.uuid4().hex[:8]}" if testing else f"{stage.table}.exercise"
    job = restore_as(stage, permission.holder, arn, target)
    with contextlib.suppress(ClientError):
        stage.client("dynamodb").delete_table(TableName=target)
    return _unless_completed(job, "Status")


def restore_as(stage: Stage, holder: str, arn: str, target: str) -> Any:
    """Restore a recovery point with a role; the job's description once it is over."""
    metadata = {"targetTableName": target, "encryptionType": "Default"}
    return restored(stage.client("backup"), RecoveryPointArn=arn, IamRoleArn=stage.role(holder), Metadata=metadata)


def validate(stage: Stage, _permission: Permission) -> str:
    """Look at an empty table that AWS Backup restored as a test, and report."""
    clear(stage)  # with items in it, an empty copy would be no good
    if not stage.tested:
        purge(stage)
        job = restore_as(stage, "BackupTestingRole", point(stage), TEST_TABLE)
        assert job["Status"] == "COMPLETED", job
        stage.tested = job["RestoreJobId"]
    # As before the first look: what has a verdict is not looked at again.
    stage.client("backup").put_restore_validation_result(RestoreJobId=stage.tested, ValidationStatus="VALIDATING")
    return stage.failure("BackupTestingValidationFunction", {"detail": {"restoreJobId": stage.tested}})


def tell_of_restore(stage: Stage, _permission: Permission) -> str:
    """Let the rule hear of a restore: the function must be called."""
    rule, events = stage.name("BackupTestingRestored"), stage.client("events")

    def streams() -> Any:
        return listed(stage.client("logs"), "describe_log_streams", logGroupName=stage.name("BackupTestingLogs"))

    before, position = len(streams()), stage.log_position()
    usual = events.describe_rule(Name=rule)["EventPattern"]
    # Only AWS Backup itself may send what the rule waits for.
    events.put_rule(Name=rule, EventPattern=_PATTERN)
    events.put_events(Entries=[_EVENT])
    events.put_rule(Name=rule, EventPattern=usual)
    function = stage.name("BackupTestingValidationFunction")
    return _arrived(stage, lambda: len(streams()) != before, position, function)


def empty_vault(stage: Stage, permission: Permission) -> str:
    """Empty a vault that another replaced of a backup, which a moment ago it did not have."""
    vault = stage.vault
    if permission.resource.startswith("backup-vault:"):  # the name that the vault has without a key
        vault = f"{stage.stack}-{vault.removeprefix(f'{stage.stack}-k')}"
        _create_vault(stage, vault)
    purge(stage, vault)
    in_dynamodb = permission.resource.endswith("/backup/*")
    with basic(stage) if in_dynamodb else contextlib.nullcontext():
        point(stage, vault, basic=in_dynamodb)
    event, backup = _deletion(stage, vault), stage.client("backup")
    arn = event["ResourceProperties"]["VaultArn"]
    backup.untag_resource(ResourceArn=arn, TagKeyList=["messages:emptying-since"])
    backup.tag_resource(ResourceArn=arn, Tags={"messages:empty-since": str(time.time())})
    with _replaced(stage):
        return stage.failure("BackupEmptyingFunction", event)


def keep_vault(stage: Stage, _permission: Permission) -> str:
    """Delete the custom resource of the vault that the stack still has."""
    return stage.failure("BackupEmptyingFunction", _deletion(stage, stage.vault))


def _deletion(stage: Stage, vault: str) -> dict[str, Any]:
    """The event of the deletion of a vault's custom resource."""
    described = stage.client("backup").describe_backup_vault(BackupVaultName=vault)
    return stage.event("Delete", VaultName=vault, VaultArn=described["BackupVaultArn"])


@contextlib.contextmanager
def _replaced(stage: Stage) -> Iterator[None]:
    """A function whose stack has another vault, meanwhile."""
    lambda_, function = stage.client("lambda"), {"FunctionName": stage.name("BackupEmptyingFunction")}
    own = lambda_.get_function_configuration(**function)["Environment"]["Variables"]
    lambda_.update_function_configuration(**function, Environment={"Variables": own | {"VAULT_NAME": "another"}})
    try:
        yield
    finally:
        lambda_.update_function_configuration(**function, Environment={"Variables": own})


def send_alarm(stage: Stage, _permission: Permission) -> str:
    """Let an alarm of the account tell the topic."""
    cloudwatch, alarm = stage.client("cloudwatch"), {"AlarmName": stage.stack}
    cloudwatch.put_metric_alarm(
        **alarm,
        AlarmActions=[stage.known["AlarmTopicArn"]],
        EvaluationPeriods=1,
        ComparisonOperator="GreaterThanThreshold",
    )

    def send() -> None:
        for state in ("OK", "ALARM"):
            cloudwatch.set_alarm_state(**alarm, StateValue=state, StateReason="x")

    return _published(stage, send)


def send_backup_event(stage: Stage, _permission: Permission) -> str:
    """Let a rule of EventBridge tell the topic, as the role of the stage's own rules."""
    events = stage.client("events")
    target = {"Id": "topic", "Arn": stage.known["AlarmTopicArn"], "RoleArn": stage.role("AlarmsBackupRole")}
    events.put_rule(Name="exercise", EventPattern=_PATTERN)
    events.put_targets(Rule="exercise", Targets=[target])
    return _published(stage, lambda: events.put_events(Entries=[_EVENT]))


def _published(stage: Stage, send: Callable[[], object]) -> str:
    position, sqs = stage.log_position(), stage.client("sqs")
    sqs.purge_queue(QueueUrl=stage.inbox)
    send()
    return _arrived(stage, lambda: "Messages" in sqs.receive_message(QueueUrl=stage.inbox), position, "delivery from")


def _arrived(stage: Stage, check: Callable[[], bool], position: int, about: str) -> str:
    """What refused the delivery, once that or the delivery is known."""
    return str(eventually(lambda: stage.refusals(position, about) or (check() and " "))).strip()


def send_plainly(stage: Stage, permission: Permission) -> str:
    """Send without TLS: the queue or topic must refuse."""
    # A client apart. TLS ends at the embedded AWS, which believes what a proxy before it says of the client.
    service = permission.action.partition(":")[0]
    client = stage.client(service, region_name=REGION)
    client.meta.events.register("before-send", _say_plain, unique_id="plain")
    if service == "sqs":
        found = refusal(client.send_message, QueueUrl=stage.known["FailureQueueUrl"], MessageBody="x")
    else:
        found = refusal(client.publish, TopicArn=stage.known["AlarmTopicArn"], Message="x")
    return "" if DENIED in found or "is denied" in found else f"a message without TLS was accepted {found}".strip()


def _say_plain(request: Any, **_: Any) -> None:
    request.headers["X-Forwarded-Proto"] = "http"


def grant_key(stage: Stage, _permission: Permission) -> str:
    """Grant the key to another principal, as a user with the permission: the key policy must refuse."""
    user, iam = f"grantor-{uuid.uuid4().hex[:8]}", stage.client("iam")
    iam.create_user(UserName=user)
    iam.put_user_policy(UserName=user, PolicyName="grant", PolicyDocument=policy(allow("kms:CreateGrant")))
    key = iam.create_access_key(UserName=user)["AccessKey"]
    kms = stage.client("kms", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    grant = {"Operations": ["Decrypt"], "GranteePrincipal": stage.role("SeedSeedingRole")}
    found = refusal(kms.create_grant, KeyId=stage.name("StageKey"), **grant)
    return "" if DENIED in found else "a grant was made"


# --- what the exercises need, done as the account's root user ------------------


def put(stage: Stage, *items: Item) -> None:
    """Put items."""
    for item in items:
        stage.client("dynamodb").put_item(TableName=stage.table, Item=from_wire(to_wire(item)))


def delete(stage: Stage, item: Item) -> None:
    """Delete an item."""
    stage.client("dynamodb").delete_item(TableName=stage.table, Key=_key(item))


def _key(item: Item) -> dict[str, Any]:
    return {name: {"S": item[name]} for name in ("pk", "sk")}


def clear(stage: Stage) -> None:
    """Delete every item."""
    dynamodb, key = stage.client("dynamodb"), {"ProjectionExpression": "pk, sk"}
    while items := dynamodb.scan(TableName=stage.table, ConsistentRead=True, **key)["Items"]:
        for item in items:
            dynamodb.delete_item(TableName=stage.table, Key=item)


@contextlib.contextmanager
def basic(stage: Stage) -> Iterator[None]:
    """An account without advanced DynamoDB features of AWS Backup, meanwhile."""
    change = stage.client("backup").update_region_settings
    change(ResourceTypeManagementPreference={"DynamoDB": False})
    try:
        yield
    finally:
        change(ResourceTypeManagementPreference={"DynamoDB": True})


def point(stage: Stage, vault: str = "", *, basic: bool = False) -> str:
    """The ARN of a recovery point, in the stage's vault, made by a role that is allowed to.

    Not the stage's own role, which may lack what the exercise is about.
    """
    for found in _points(stage, vault):
        arn = str(found["RecoveryPointArn"])
        if found["Status"] == "COMPLETED" and (":table/" in arn) == basic:
            return arn
    made = back_up(stage.client, vault or stage.vault, stage.table, stage.helper)
    return str(made["RecoveryPointArn"])


def purge(stage: Stage, vault: str = "") -> None:
    """Delete every recovery point of a vault, by default the stage's."""
    for found in _points(stage, vault):
        names = {"BackupVaultName": vault or stage.vault, "RecoveryPointArn": found["RecoveryPointArn"]}
        with contextlib.suppress(ClientError):
            stage.client("backup").delete_recovery_point(**names)


def _points(stage: Stage, vault: str) -> Any:
    return listed(stage.client("backup"), "list_recovery_points_by_backup_vault", BackupVaultName=vault or stage.vault)


def _create_vault(stage: Stage, name: str, **where: str) -> None:
    """Create a vault unless there is one of that name."""
    backup = stage.client("backup", **where)
    with contextlib.suppress(backup.exceptions.AlreadyExistsException):
        backup.create_backup_vault(BackupVaultName=name)


def _unless_completed(job: Any, state: str) -> str:
    return "" if job[state] == "COMPLETED" else str(job.get("StatusMessage", ""))


def _logged(stage: Stage, function: str, event: dict[str, Any], right: Callable[[dict[str, Any]], bool]) -> str:
    """What a function says or logs when its answer is not right; empty when it is.

    The embedded AWS may hand the end of a log over with the next invocation's.
    """
    said = ""
    for _ in range(5):
        answer, log = stage.invoke(function, event)
        if right(answer):
            return ""
        said += f"{answer.get('errorMessage', '')}\n{log}"
        if DENIED in said:
            break
    return said
