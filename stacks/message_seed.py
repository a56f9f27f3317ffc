"""The custom resource that writes the seed's messages."""

from collections.abc import Sequence

from aws_cdk import CustomResource, Duration
from aws_cdk import custom_resources as cr
from constructs import Construct

from chat.model import Item
from stacks.findings import acknowledge_wildcard, arn_in_findings
from stacks.function import ProjectFunction, function_logs, logging_role
from stacks.messages_table import MessagesTable


class MessageSeed(Construct):
    """Keeps the table in step with the seed: on create, on every change of it, never on delete.

    The items are properties of the resource, so the template shows what will be
    written, and CloudFormation calls the function when, and only when, they change.
    """

    def __init__(
        self, scope: Construct, id: str, *, messages_table: MessagesTable, items: Sequence[Item]
    ) -> None:
        super().__init__(scope, id)
        log_group = function_logs(self, "Logs")
        seeding = ProjectFunction(
            self,
            "Seeding",
            description="Writes the seeded messages when the stack is deployed",
            handler="seed.handler.on_event",
            files=["seed/__init__.py", "seed/changes.py", "seed/handler.py", "seed/writer.py"],
            log_group=log_group,
            timeout=Duration.minutes(5),
        )
        messages_table.grant_seeding(seeding.function)
        provider_role = logging_role(self, "ProviderRole", log_group=log_group)
        provider = cr.Provider(
            self,
            "Provider",
            on_event_handler=seeding.function,
            log_group=log_group,
            framework_on_event_role=provider_role,
        )
        acknowledge_wildcard(
            provider_role,
            f"{arn_in_findings(seeding.function)}:*",
            "The provider framework may call every version of the one function that it wraps.",
        )
        resource = CustomResource(
            self,
            "Resource",
            resource_type="Custom::MessageSeed",
            service_token=provider.service_token,
            properties={
                "TableName": messages_table.table.table_name,
                "Messages": list(items),
            },
        )
        self.seeded_count = resource.get_att_string("Present")
