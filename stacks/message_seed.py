"""The custom resource that writes the seed's messages."""

import hashlib
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from aws_cdk import CustomResource, Duration, Stack, Token
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3_assets as s3_assets
from aws_cdk import custom_resources as cr
from constructs import Construct

from model.messages import Item
from model.users import pool_region
from model.wire import to_lines, to_wire
from stacks.annotations import acknowledge_called, acknowledge_framework, acknowledge_wildcard, describe
from stacks.function import ProjectFunction, framework_role, function_logs, let_lambda_read
from stacks.messages_table import MessagesTable
from stacks.permissions import allow

# A custom resource gets its old and new properties in one event, an asynchronous Lambda call of
# at most 256 KB (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html), and a
# list that a reviewer can read is shorter than that.
INLINE_BYTES = 32_768
# What the CDK or CloudFormation would replace or refuse in a template, but not in a file: a token, a
# parameter, a dynamic reference, an attribute named like an intrinsic function.
_TEMPLATE_SYNTAX = re.compile(r'\$\{|#\{Token\[|\{\{resolve:|"(?:Ref|Fn::\w+)":')
COUNTS = ("Total", "Present", "Written", "Unchanged", "Preserved", "Removed")


class MessageSeed(Construct):
    """Writes the seed on create, and its changes on update; a delete leaves the messages.

    The items of a small seed are properties of the resource, so the template shows what will be
    written; those of a larger one are an asset. CloudFormation calls the function only when they change.
    """

    def __init__(
        self, scope: Construct, id: str, *, messages_table: MessagesTable, items: Sequence[Item], user_pool_id: str = ""
    ) -> None:
        super().__init__(scope, id)
        log_group = function_logs(self, "Logs")
        self.seeding = ProjectFunction(
            self,
            "Seeding",
            description="Writes the seeded messages when the stack is deployed",
            handler="functions.seed_messages.on_event",
            log_group=log_group,
            timeout=Duration.minutes(15),
            memory_mib=512,
        )
        messages_table.grant_seeding(self.seeding.function)
        self._grant_reading_seeds(self.seeding)
        properties = {"TableName": messages_table.table.table_name}
        if user_pool_id:
            pool = Stack.of(self).format_arn(
                service="cognito-idp", region=pool_region(user_pool_id), resource="userpool", resource_name=user_pool_id
            )
            self.seeding.function.add_to_role_policy(allow(pool, "cognito-idp:ListUsers"))
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

    def _add_provider(self, log_group: logs.ILogGroup) -> cr.Provider:
        """What CloudFormation calls, and what reports to it how the function's call ended."""
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
        """Let the function read the seeds among the assets: current and previous, in the bucket of its code."""
        function = seeding.function.node.default_child
        assert isinstance(function, lambda_.CfnFunction)
        bucket = Token.as_string(Stack.of(self).resolve(function.code)["s3Bucket"])
        seeds = Stack.of(self).format_arn(service="s3", region="", account="", resource=bucket, resource_name="*.jsonl")
        seeding.function.add_to_role_policy(allow(seeds, "s3:GetObject"))
        acknowledge_wildcard(seeding.role, seeds, "Seeds only; the key of the previous one is a hash not known here.")

    def _items(self, items: Sequence[Item]) -> dict[str, object]:
        """The items as the resource's properties, or where the function finds them."""
        text = "".join(to_lines(items))
        if len(text.encode()) <= INLINE_BYTES and not _TEMPLATE_SYNTAX.search(text):
            return {"Messages": [to_wire(item) for item in items]}
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "seed.jsonl"
            file.write_text(text, encoding="utf-8")
            asset = s3_assets.Asset(self, "Items", path=str(file))
        return {
            "Bucket": asset.s3_bucket_name,
            "Key": asset.s3_object_key,
            # A change of the data must be a change of the resource, however the key is made.
            "Digest": hashlib.sha256(text.encode()).hexdigest(),
        }
