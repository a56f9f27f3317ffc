"""The custom resource that writes the seed's messages."""

import hashlib
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from aws_cdk import Stack, Token
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from model.messages import Item
from model.users import pool_region
from model.wire import to_lines, to_wire
from stacks.annotations import describe
from stacks.function import ProjectFunction, custom_resource
from stacks.grants import Allow, arn, permit
from stacks.messages_table import MessagesTable

# A custom resource gets its old and new properties in one event, an asynchronous Lambda call of
# at most 256 KB (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html), and a
# list that a reviewer can read is shorter than that.
INLINE_BYTES = 32_768
# What the CDK or CloudFormation would replace or refuse in a template, but not in a file: a token, a
# parameter, a dynamic reference, an attribute named like an intrinsic function.
_TEMPLATE_SYNTAX = re.compile(r'\$\{|#\{Token\[|\{\{resolve:|"(?:Ref|Fn::\w+)":')


class MessageSeed(Construct):
    """Writes the seed on create, and its changes on update; a delete leaves the messages.

    The items of a small seed are properties of the resource, so the template shows what will be
    written; those of a larger one are an asset. CloudFormation calls the function only when they change.
    """

    def __init__(
        self, scope: Construct, id: str, *, messages_table: MessagesTable, items: Sequence[Item], user_pool_id: str = ""
    ) -> None:
        super().__init__(scope, id)
        self.seeding = ProjectFunction(
            self,
            "Seeding",
            description="Writes the seeded messages when the stack is deployed",
            handler="seed_messages.on_event",
            minutes=15,
            memory_mib=512,
        )
        messages_table.grant_seeding(self.seeding.function)
        seeds_only = "Seeds only; the key of the previous one is a hash not known here."
        permit(self.seeding.role, Allow(self._seeds_arn(), "s3:GetObject", because=seeds_only))
        properties: dict[str, object] = {"TableName": messages_table.table.table_name}
        if user_pool_id:
            pool = arn(self, "cognito-idp", f"userpool/{user_pool_id}", region=pool_region(user_pool_id))
            permit(self.seeding.role, Allow(pool, "cognito-idp:ListUsers"))
            # The function puts the users' ids in place of their names.
            properties["UserPoolId"] = user_pool_id
        properties |= self._items(items)
        self.resource = custom_resource(self, "MessageSeed", properties, on_event=self.seeding)
        describe(self.resource, "Writes changes of seed/messages.yaml to the table")

    def _seeds_arn(self) -> str:
        """The seeds among the assets, current and previous: in the bucket of the function's code."""
        function, stack = self.seeding.function.node.default_child, Stack.of(self)
        assert isinstance(function, lambda_.CfnFunction)
        bucket = Token.as_string(stack.resolve(function.code)["s3Bucket"])
        return f"arn:{stack.partition}:s3:::{bucket}/*.jsonl"

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
