"""A custom resource provider that waits: a function that starts, one that says when it is done."""

from aws_cdk import CfnResource, CustomResource, Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import custom_resources as cr
from constructs import Construct

from stacks.function import framework_role, let_lambda_read
from stacks.preview_names import state_machine_name
from stacks.shared_findings import acknowledge_called, acknowledge_framework

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
        starting, asking = (
            framework_role(self, f"{name}Role", calls=function, log_group=log_group)
            for name, function in (("OnEvent", on_event), ("IsComplete", is_complete))
        )
        provider = cr.Provider(
            self,
            "Provider",
            on_event_handler=on_event,
            is_complete_handler=is_complete,
            log_group=log_group,
            framework_on_event_role=starting.without_policy_updates(),
            framework_complete_and_timeout_role=asking.without_policy_updates(),
            query_interval=interval,
            total_timeout=TIMEOUT,
            disable_waiter_state_machine_logging=True,
        )
        self.service_token = provider.service_token
        waiter = provider.node.find_child("waiter-state-machine")
        assert isinstance(waiter, cr.WaiterStateMachine)
        waiter.grant_start_execution(starting)
        _name(waiter, scope.node.id)
        _narrow(waiter, provider)
        let_lambda_read(provider)
        acknowledge_framework(provider)
        for function in (on_event, is_complete):
            acknowledge_called(function, "The provider framework")

    def resource(self, type: str, properties: dict[str, object]) -> CustomResource:
        """The one custom resource that this provider is for."""
        return CustomResource(
            self, "Resource", resource_type=f"Custom::{type}", service_token=self.service_token, properties=properties
        )


def _name(waiter: cr.WaiterStateMachine, purpose: str) -> None:
    """Name the state machine where CloudFormation's own name will not do; the id is the library's.

    The library takes no name for it.
    """
    if name := state_machine_name(waiter, f"{purpose}-Waiter"):
        machine = waiter.node.find_child("Resource")
        assert isinstance(machine, CfnResource)
        machine.add_property_override("StateMachineName", name)


def _narrow(waiter: cr.WaiterStateMachine, provider: cr.Provider) -> None:
    """Let the state machine call its two functions, and no versions of them.

    The ids are the library's.
    """
    policy = waiter.node.find_child("Role").node.find_child("DefaultPolicy").node.default_child
    assert isinstance(policy, iam.CfnPolicy)
    functions = [provider.node.find_child(f"framework-{of}") for of in ("isComplete", "onTimeout")]
    policy.policy_document = iam.PolicyDocument(
        statements=[
            iam.PolicyStatement(
                actions=["lambda:InvokeFunction"],
                resources=[f.function_arn for f in functions if isinstance(f, lambda_.Function)],
            )
        ]
    )
