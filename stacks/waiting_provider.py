"""A custom resource provider that waits: a function that starts, one that says when it is done."""

from aws_cdk import CustomResource, Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import custom_resources as cr
from constructs import Construct, IConstruct

from stacks.findings import acknowledge_unlogged, acknowledge_wildcard
from stacks.function import logging_role

# CloudFormation waits an hour for a custom resource, and no longer.
TIMEOUT = Duration.minutes(58)


class WaitingProvider(Construct):
    """The CDK provider framework around two functions, its own ones under narrow roles.

    https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.custom_resources-readme.html
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        on_event: lambda_.Function,
        is_complete: lambda_.Function,
        log_group: logs.ILogGroup,
        interval: Duration,
    ) -> None:
        super().__init__(scope, id)
        roles = [logging_role(self, f"{name}Role", log_group=log_group)
                 for name in ("OnEvent", "IsComplete")]  # fmt: skip
        provider = cr.Provider(
            self,
            "Provider",
            on_event_handler=on_event,
            is_complete_handler=is_complete,
            log_group=log_group,
            framework_on_event_role=roles[0],
            framework_complete_and_timeout_role=roles[1],
            query_interval=interval,
            total_timeout=TIMEOUT,
            disable_waiter_state_machine_logging=True,
        )
        self.service_token = provider.service_token
        for role in roles:
            _acknowledge_versions(role, on_event, is_complete)
        # Their ids are the library's.
        waited = [provider.node.find_child(f"framework-{of}") for of in ("isComplete", "onTimeout")]
        _acknowledge_versions(provider, *waited)
        acknowledge_unlogged(provider)

    def resource(self, type: str, properties: dict[str, object]) -> CustomResource:
        """The one custom resource that this provider is for."""
        return CustomResource(
            self,
            "Resource",
            resource_type=f"Custom::{type}",
            service_token=self.service_token,
            properties=properties,
        )


def _acknowledge_versions(grantee: Construct | iam.Role, *functions: IConstruct) -> None:
    for function in functions:
        assert isinstance(function, lambda_.Function)
        acknowledge_wildcard(
            grantee,
            f"{function.function_arn}:*",
            "The provider framework may call every version of the functions it wraps.",
        )
