"""The custom resource that writes the seed's messages."""

import hashlib
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from aws_cdk import CustomResource, Duration, Stack, Token
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3_assets as s3_assets
from aws_cdk import custom_resources as cr
from constructs import Construct

from model.messages import Item
from model.users import pool_region
from model.wire import to_lines, to_wire
from stacks.description import describe
from stacks.findings import acknowledge_wildcard
from stacks.function import ProjectFunction, framework_role, function_logs, let_lambda_read
from stacks.messages_table import MessagesTable
from stacks.shared_findings import acknowledge_called, acknowledge_framework

# A custom resource gets the properties of before and after in one event, which
# is an asynchronous Lambda call of at most 256 KB
# (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html), and
# a list that a reviewer is to read is shorter than that.
INLINE_BYTES = 32_768
# What the CDK or CloudFormation would replace or refuse in a template: a token, a parameter, a
# dynamic reference, an attribute named like an intrinsic function. In a file it stays what it is.
_MEANT_FOR_OTHERS = re.compile(r'\$\{|#\{Token\[|\{\{resolve:|"(?:Ref|Fn::\w+)":')
COUNTS = ("Total", "Present", "Written", "Unchanged", "Preserved", "Removed")


class MessageSeed(Construct):
    """Keeps the table in step with the seed: on create, on every change of it, never on delete.

    A small seed's items are properties of the resource, so the template shows
    what will be written; a larger one's are an asset. CloudFormation calls the
    function when, and only when, they change.
    """

    def __init__(
        self, scope: Construct, id: str, *, messages_table: MessagesTable, items: Sequence[Item], user_pool_id: str = ""
    ) -> None:
        super().__init__(scope, id)
        log_group = function_logs(self, "Logs")
        self.seeding = self._add_function(log_group)
        messages_table.grant_seeding(self.seeding.function)
        self._grant_reading_seeds(self.seeding)
        properties = {"TableName": messages_table.table.table_name}
        if user_pool_id:
            self._grant_finding_users(self.seeding, user_pool_id)
            # The function puts the users' ids in place of their names.
            properties["UserPoolId"] = user_pool_id
        resource = CustomResource(
            self,
            "Resource",
            resource_type="Custom::MessageSeed",
            service_token=self._add_provider(log_group).service_token,
            properties={**properties, **self._items(items)},
        )
        describe(resource, "Keeps the table in step with seed/messages.yaml")
        self.counts = {name: resource.get_att_string(name) for name in COUNTS}

    def _add_function(self, log_group: logs.ILogGroup) -> ProjectFunction:
        return ProjectFunction(
            self,
            "Seeding",
            description="Writes the seeded messages when the stack is deployed",
            handler="functions.seed_messages.on_event",
            log_group=log_group,
            timeout=Duration.minutes(15),
            memory_mib=512,
        )

    def _add_provider(self, log_group: logs.ILogGroup) -> cr.Provider:
        """What CloudFormation calls, and what tells it how the function's call ended."""
        function = self.seeding.function
        role = framework_role(self, "ProviderRole", calls=function, log_group=log_group)
        provider = cr.Provider(
            self,
            "Provider",
            on_event_handler=function,
            log_group=log_group,
            framework_on_event_role=role.without_policy_updates(),
        )
        let_lambda_read(provider)
        acknowledge_called(function, "The provider framework")
        acknowledge_framework(provider)
        return provider

    def _grant_reading_seeds(self, seeding: ProjectFunction) -> None:
        """Let the function read the seeds among the assets: this one, and the one before it.

        That one's key is not known here. It lies in the bucket of all assets,
        where the function's own code lies too.
        """
        function = seeding.function.node.default_child
        assert isinstance(function, lambda_.CfnFunction)
        bucket = Token.as_string(Stack.of(self).resolve(function.code)["s3Bucket"])
        seeds = Stack.of(self).format_arn(service="s3", region="", account="", resource=bucket, resource_name="*.jsonl")
        seeding.function.add_to_role_policy(iam.PolicyStatement(actions=["s3:GetObject"], resources=[seeds]))
        acknowledge_wildcard(seeding.role, seeds, "Seeds only; the key of the one before is a hash that is not known.")

    def _grant_finding_users(self, seeding: ProjectFunction, user_pool_id: str) -> None:
        """Let the function look users up, in this one pool."""
        pool = Stack.of(self).format_arn(
            service="cognito-idp", region=pool_region(user_pool_id), resource="userpool", resource_name=user_pool_id
        )
        seeding.function.add_to_role_policy(iam.PolicyStatement(actions=["cognito-idp:ListUsers"], resources=[pool]))

    def _items(self, items: Sequence[Item]) -> dict[str, object]:
        """The items as the resource's properties, or where the function finds them."""
        text = "".join(to_lines(items))
        if len(text.encode()) <= INLINE_BYTES and not _MEANT_FOR_OTHERS.search(text):
            return {"Messages": [to_wire(item) for item in items]}
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "seed.jsonl"
            file.write_text(text, encoding="utf-8")
            asset = s3_assets.Asset(self, "Items", path=str(file))
        return {
            "Bucket": asset.s3_bucket_name,
            "Key": asset.s3_object_key,
            # A change of the data is a change of the resource, whatever the key is made of.
            "Digest": hashlib.sha256(text.encode()).hexdigest(),
        }
