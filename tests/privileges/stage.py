"""A stage with everything switched on, deployed once and then again without one permission."""

import base64
import gzip
import json
import re
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from embedded_aws.process import Running
from embedded_aws.tests.support.engine import configure
from embedded_aws.tests.support.steps import allow, create_backup_role, eventually, policy
from model.messages import message_key
from tests.conftest import PROJECT
from tests.privileges.assemblies import BUCKET, DATASET, DATASET_KEY, EVERYTHING, EXPORT, STAGES, with_copies
from tests.privileges.statements import REGION, Template, shown
from tests.support.deployment import Deployment, bootstrap
from tests.support.pipeline_steps import session_keys
from tests.support.user_pool import UserPool

# Stands for CloudFormation's own bucket, into which every custom resource may answer.
_REPLIES = "replies"
_RUNNING = ("AWS::Lambda::Function", "AWS::StepFunctions::StateMachine")
# Within the definition of a state machine, which is text within the template's.
_ATTEMPTS = re.compile(r'(\\"MaxAttempts\\":)\d+')


class Stage(Deployment):
    """``client`` makes clients of the embedded AWS's root user."""

    dataset = DATASET_KEY

    def __init__(self, client: Callable[..., Any], aws: Running, name: str) -> None:
        super().__init__(client, f"pr-{name}")
        self.client, self._aws = client, aws
        self._log = Path(aws.ca_file).parent / "server.log"
        # A restore that AWS Backup did as a test; made when it is needed.
        self.tested = ""
        self._sessions: dict[tuple[str, str], Any] = {}
        self.pool = UserPool(client, name)
        for user in ("Tom", "Jerry"):
            self.pool.add(user)

    def create(self) -> None:
        """Deploy the stage, with every permission, and make what exercises need beside it."""
        bootstrap(self.client)
        s3 = self.client("s3")
        s3.put_object(Bucket=BUCKET, Key=DATASET_KEY, Body=(PROJECT / DATASET).read_bytes())
        s3.create_bucket(Bucket=_REPLIES)
        s3.delete_public_access_block(Bucket=_REPLIES)
        answering = allow("s3:PutObject", on=f"arn:aws:s3:::{_REPLIES}/*", Principal="*")
        s3.put_bucket_policy(Bucket=_REPLIES, Policy=policy(answering))
        template = json.loads(self._publish([], None, **EVERYTHING | {"user_pool_id": self.pool.id}))
        self._create(with_copies(self.stage, template))
        # The stream delivers nothing, except what an exercise wants.
        mapping = self.name("ConversationsIndexingFunctionStream")
        self.client("lambda").update_event_source_mapping(UUID=mapping, Enabled=False)
        self.helper = create_backup_role(self.client, f"{self.stack}-helper")
        backing_up = "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup"
        self.client("iam").attach_role_policy(RoleName=f"{self.stack}-helper", PolicyArn=backing_up)
        sending = policy(allow("sqs:SendMessage", Principal={"Service": "sns.amazonaws.com"}))
        self.inbox = self.client("sqs").create_queue(QueueName="inbox", Attributes={"Policy": sending})["QueueUrl"]
        queue, topic = f"arn:aws:sqs:{REGION}:000000000000:inbox", self.known["AlarmTopicArn"]
        self.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)

    def _create(self, template: Template) -> None:
        self._current = template
        self._request("create", json.dumps(template))
        # From here on, state machines try nothing twice.
        self.template: Template = json.loads(_ATTEMPTS.sub(r"\g<1>0", json.dumps(template)))
        self.deploy_template(self.template)

    def deploy_template(self, template: Template) -> None:
        """Update the stack, unless it has this template."""
        if template != self._current:
            self._request("update", json.dumps(template))
            self._current = template

    @cached_property
    def _physical(self) -> dict[str, str]:
        pages = self._cloudformation.get_paginator("list_stack_resources")
        return {
            shown({"Ref": resource["LogicalResourceId"]}): resource["PhysicalResourceId"]
            for page in pages.paginate(StackName=self.stack)
            for resource in page["StackResourceSummaries"]
        }

    def name(self, resource: str) -> str:
        """The physical id of a resource, by its logical id without the hash."""
        return self._physical[resource]

    @cached_property
    def known(self) -> dict[str, str]:
        """The stack's outputs."""
        return self.outputs()

    @property
    def table(self) -> str:
        """The name of the stage's table."""
        return self.known["TableName"]

    @property
    def vault(self) -> str:
        """The name of the stage's vault."""
        return self.known["BackupVaultName"]

    def role(self, holder: str) -> str:
        """The ARN of a role."""
        return str(self.client("iam").get_role(RoleName=self.name(holder))["Role"]["Arn"])

    def as_role(self, holder: str, service: str) -> Any:
        """A client with the role's own credentials."""
        if (holder, service) not in self._sessions:
            self._sessions[holder, service] = self.client(service, **session_keys(self.client, self.role(holder)))
        return self._sessions[holder, service]

    def running_as(self, holder: str) -> list[str]:
        """The functions and state machines that run as a role."""
        return [
            shown({"Ref": name})
            for name, resource in self.template["Resources"].items()
            for role in [resource["Properties"].get("Role") or resource["Properties"].get("RoleArn")]
            if resource["Type"] in _RUNNING and shown(role) == holder
        ]

    def invoke(self, function: str, event: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
        """What the function answers (an error has ``errorMessage``), and the end of its log."""
        answer = self.client("lambda").invoke(
            FunctionName=self.name(function), Payload=json.dumps(event), LogType="Tail"
        )
        payload = json.loads(answer["Payload"].read() or b"null") or {}
        return payload, base64.b64decode(answer.get("LogResult", "")).decode()

    def failure(self, function: str, event: Mapping[str, Any]) -> str:
        """The error that the function ends in; empty when it succeeds."""
        payload, _ = self.invoke(function, event)
        return str(payload.get("errorMessage", "")) if isinstance(payload, dict) else ""

    def event(self, kind: str, **properties: Any) -> dict[str, Any]:
        """What CloudFormation sends a custom resource."""
        request = f"request-{time.time_ns()}"
        return {
            "RequestType": kind,
            "RequestId": request,
            "StackId": self._described()["StackId"],
            "LogicalResourceId": "Exercise",
            "PhysicalResourceId": "exercise",
            "ResponseURL": f"{self._aws.endpoint}/{_REPLIES}/{request}",
            "ResourceProperties": properties,
        }

    def reply(self, event: Mapping[str, Any]) -> str:
        """Why the custom resource failed, as CloudFormation was told; empty unless it did."""
        s3 = self.client("s3")
        try:
            answer = json.load(s3.get_object(Bucket=_REPLIES, Key=event["RequestId"])["Body"])
        except s3.exceptions.NoSuchKey:
            return ""
        return str(answer["Reason"]) if answer["Status"] == "FAILED" else ""

    def run(self, machine: str, given: Mapping[str, Any], name: str = "") -> str:
        """Execute a state machine to its end; what went wrong on the way."""
        states = self.client("stepfunctions")
        request = {"stateMachineArn": self.name(machine), "input": json.dumps(given)} | ({"name": name} if name else {})
        arn = states.start_execution(**request)["executionArn"]
        eventually(lambda: states.describe_execution(executionArn=arn)["status"] != "RUNNING")
        runs = states.list_map_runs(executionArn=arn)["mapRuns"]
        batches = [each for run in runs for each in states.list_executions(mapRunArn=run["mapRunArn"])["executions"]]
        found = [states.describe_execution(executionArn=each) for each in (arn, *(b["executionArn"] for b in batches))]
        for event in states.get_execution_history(executionArn=arn)["events"]:
            found += [details for name, details in event.items() if name.endswith("FailedEventDetails")]
        return "\n".join(each["cause"] for each in found if each.get("cause"))

    def configure(self, **values: object) -> None:
        """Change settings of the embedded AWS."""
        configure(self._aws, **values)

    def log_position(self) -> int:
        """Where the embedded AWS's own log ends now."""
        return self._log.stat().st_size

    def refusals(self, position: int, about: str) -> str:
        """What the embedded AWS logged since then about refusals that AWS keeps to itself."""
        with self._log.open("rb") as log:
            log.seek(position)
            lines = log.read().decode(errors="replace").splitlines()
        spelled = [re.sub(r"may not (?:perform|do) ", "not authorized to perform: ", line) for line in lines]
        return "\n".join(line for line in spelled if about in line and "not authorized to perform" in line)


class ExportStage(Stage):
    """A stage whose dataset is an export; what else it has is tried in the other one."""

    dataset = EXPORT

    def create(self) -> None:
        """Deploy the stage."""
        bootstrap(self.client)
        line = json.dumps({"Item": {name: {"S": value} for name, value in message_key("jerry#tom", "t", "id").items()}})
        self.client("s3").put_object(Bucket=BUCKET, Key=f"{EXPORT}data/x.json.gz", Body=gzip.compress(line.encode()))
        self._create(json.loads(self._publish([], None, **STAGES["with an export"])))


def refusal(call: Callable[..., Any], **arguments: Any) -> str:
    """The text of the error that a call ends in; empty when it succeeds."""
    try:
        call(**arguments)
    except ClientError as error:
        return f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"
    return ""
