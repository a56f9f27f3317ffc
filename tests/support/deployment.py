"""Deployments through CloudFormation itself, without the CDK CLI: quick enough for many."""

import contextlib
import io
import json
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from aws_cdk import App
from botocore.exceptions import ClientError, WaiterError

from model.messages import Item
from ops.template import AS_DEPLOYED
from stacks.function import let_lambda_read
from stacks.messages_stack import MessagesStack
from stacks.settings import Settings
from tests.conftest import PROJECT, context

BUCKET = "cdk-hnb659fds-assets-000000000000-us-east-1"  # in the CDK's bootstrap stack
POLL = {"Delay": 0.05, "MaxAttempts": 1200}  # of CloudFormation's waiters: seconds, tries
_BOOTSTRAP = PROJECT / "node_modules/aws-cdk/lib/api/bootstrap/bootstrap-template.yaml"


class DeploymentFailed(Exception):
    """CloudFormation rolled back; the text has the reasons of the resources that failed."""


def bootstrap(client: Callable[..., Any]) -> None:
    """Create the stack that ``cdk bootstrap`` creates, from the CDK CLI's own template, unless it is there."""
    cloudformation = client("cloudformation")
    with contextlib.suppress(cloudformation.exceptions.AlreadyExistsException):
        cloudformation.create_stack(
            StackName="CDKToolkit",
            TemplateBody=_BOOTSTRAP.read_text(),
            Parameters=[{"ParameterKey": "FileAssetsBucketKmsKeyId", "ParameterValue": "AWS_MANAGED_KEY"}],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
    cloudformation.get_waiter("stack_create_complete").wait(StackName="CDKToolkit", WaiterConfig=POLL)


class Deployment:
    """One stage's stack on a bootstrapped AWS; ``client`` makes boto3 clients of it."""

    def __init__(self, client: Callable[..., Any], stage: str) -> None:
        self.stack, self.stage = f"Messages-{stage}", stage
        self._client, self._cloudformation = client, client("cloudformation")

    def deploy(
        self, items: Sequence[Item], *, change: Callable[[MessagesStack], object] | None = None, **settings: Any
    ) -> dict[str, str]:
        """Create or update the stack; its outputs. Raises DeploymentFailed.

        ``change`` may alter the stack before it is synthesized.
        """
        template = self._publish(items, change, **settings)
        return self._request("update" if self.status() else "create", template)

    def _publish(self, items: Sequence[Item], change: Callable[[MessagesStack], object] | None, **settings: Any) -> str:
        """Synthesize the stack and upload its assets, as the CDK CLI does; the template."""
        with tempfile.TemporaryDirectory() as folder:
            app = App(outdir=folder, context=context() | AS_DEPLOYED)
            stack = MessagesStack(app, settings=Settings(stage=self.stage, **settings), items=items)
            if change:
                change(stack)
            let_lambda_read(Path(app.synth().directory))
            for asset in json.loads(Path(folder, f"{self.stack}.assets.json").read_text())["files"].values():
                if not asset["displayName"].endswith("Template"):
                    (target,) = asset["destinations"].values()
                    source = Path(folder, asset["source"]["path"])
                    body = _zipped(source) if source.is_dir() else source.read_bytes()
                    self._client("s3").put_object(Bucket=BUCKET, Key=target["objectKey"], Body=body)
            return Path(folder, f"{self.stack}.template.json").read_text()

    def _request(self, verb: str, template: str) -> dict[str, str]:
        # Through a bucket, as the CDK CLI does it: with the request go 51,200 bytes at most.
        key = f"templates/{self.stack}.json"
        self._client("s3").put_object(Bucket=BUCKET, Key=key, Body=template)
        getattr(self._cloudformation, f"{verb}_stack")(
            StackName=self.stack,
            TemplateURL=f"https://s3.us-east-1.amazonaws.com/{BUCKET}/{key}",
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        return self._wait(self._cloudformation.get_waiter(f"stack_{verb}_complete"))

    def destroy(self) -> None:
        """Delete the stack."""
        self._cloudformation.delete_stack(StackName=self.stack)
        self._wait(self._cloudformation.get_waiter("stack_delete_complete"))

    def status(self) -> str:
        """The stack's status; empty when there is none."""
        try:
            return str(self._described()["StackStatus"])
        except ClientError as error:
            if "does not exist" in str(error):
                return ""
            raise

    def outputs(self) -> dict[str, str]:
        """The outputs that the stack has."""
        return {o["OutputKey"]: o["OutputValue"] for o in self._described().get("Outputs", [])}

    def _described(self) -> Any:
        (found,) = self._cloudformation.describe_stacks(StackName=self.stack)["Stacks"]
        return found

    def _wait(self, waiter: Any) -> dict[str, str]:
        try:
            waiter.wait(StackName=self.stack, WaiterConfig=POLL)
        except WaiterError as error:
            events = self._cloudformation.describe_stack_events(StackName=self.stack)["StackEvents"]
            reasons = [e.get("ResourceStatusReason", "") for e in events if e["ResourceStatus"].endswith("_FAILED")]
            raise DeploymentFailed(f"{self.status()}: " + " / ".join(reasons)) from error
        return self.outputs() if self.status() else {}


def _zipped(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder))
    return buffer.getvalue()
