"""What the template says about a construct: its purpose, and findings of static rules that do not apply to it.

Each finding is acknowledged at one construct, for one reason; docs/security.md lists them all.
``make check`` fails for one that is no longer needed (tests/support/rules.py).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import Acknowledgment, CfnResource, Stack, Validations
from aws_cdk import custom_resources as cr
from constructs import Construct, IConstruct

Rules = tuple[str, ...]
# Each constant is one matter, under the names that different rule packs give it.
_AWS = "AwsSolutions::AwsSolutions-"
_NIST = "NIST.800.53.R5::NIST.800.53.R5-"
_SERVERLESS = "Serverless::Serverless-"
_CONTROL = "CloudFormation-Validate::"
QUEUE_DEAD_LETTERS = (f"{_AWS}SQS3", f"{_SERVERLESS}SQSRedrivePolicy", f"{_CONTROL}sqs_dlq_check")
FUNCTION_DEAD_LETTERS = (f"{_NIST}LambdaDLQ", f"{_SERVERLESS}LambdaDLQ")
RULE_DEAD_LETTERS = (f"{_SERVERLESS}EventBusDLQ",)
MAIL_DEAD_LETTERS = (f"{_SERVERLESS}SNSRedrivePolicy",)
TOPIC_KEY = (f"{_NIST}SNSEncryptedKMS",)
LOG_KEY = (f"{_NIST}CloudWatchLogGroupEncrypted", f"{_CONTROL}cloudwatch_log_group_encrypted_check")
LOG_RETENTION = (f"{_CONTROL}cloudwatch_log_group_retention_period_check",)
WHOLE_SERVICES = (
    f"{_NIST}IAMPolicyNoStatementsWithFullAccess",
    f"{_CONTROL}iam_managed_policy_no_statements_with_full_access_check",
)
_INLINE_POLICY = (f"{_NIST}IAMNoInlinePolicy",)
_MEMORY = (f"{_SERVERLESS}LambdaDefaultMemorySize",)
FUNCTION: Mapping[Rules, str] = {
    (f"{_NIST}LambdaInsideVPC", f"{_CONTROL}lambda_inside_vpc_check"): (
        "It accepts no connections and calls only AWS, over TLS; a VPC would need endpoints that cost more "
        "than the rest of the stack."
    ),
    # https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
    (f"{_NIST}LambdaConcurrency",): (
        "A reservation reduces the account's quota, which is 10 in a new account; its callers limit it."
    ),
    (f"{_SERVERLESS}LambdaTracing",): ("It logs what happened; tracing needs permissions on every resource."),
}
STATE_MACHINE: Mapping[Rules, str] = {
    # https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
    (f"{_AWS}SF1", f"{_CONTROL}step_functions_state_machine_logging_enabled_check"): (
        "Step Functions keeps its history for 90 days; log delivery needs permissions on every resource."
    ),
    (
        f"{_AWS}SF2",
        f"{_SERVERLESS}StepFunctionStateMachineXray",
        f"{_CONTROL}step_functions_state_machine_tracing_enabled_check",
    ): "Its functions log what happened; tracing needs permissions on every resource.",
}


def describe(construct: Construct, text: str) -> None:
    """Put ``text`` into the metadata of a resource whose type has no property for a description."""
    resource = construct if isinstance(construct, CfnResource) else construct.node.default_child
    assert isinstance(resource, CfnResource)
    resource.add_metadata("Description", text)


def acknowledge(construct: IConstruct, rules: Rules, reason: str) -> None:
    """Accept what ``rules`` find on ``construct``, for ``reason``, a sentence or more."""
    Validations.of(construct).acknowledge(*(Acknowledgment(id=rule, reason=reason) for rule in rules))


def acknowledge_wildcards(construct: Construct, wildcards: Sequence[tuple[str, str, str]]) -> None:
    """Accept ``wildcards`` in policies of ``construct``: each with its kind, "Resource" or "Action", and a reason."""
    if wildcards:
        values = Stack.of(construct).resolve([value for _, value, _ in wildcards])
        found = [
            Acknowledgment(id=f"{_AWS}IAM5[{kind}::{_spelled(value)}]", reason=reason)
            for (kind, _, reason), value in zip(wildcards, values, strict=True)
        ]
        Validations.of(construct).acknowledge(*found)


def acknowledge_all(construct: IConstruct, findings: Mapping[Rules, str]) -> None:
    """Accept ``findings`` on ``construct``, such as what applies to every FUNCTION or STATE_MACHINE of this project."""
    Validations.of(construct).acknowledge(
        *(Acknowledgment(id=rule, reason=reason) for rules, reason in findings.items() for rule in rules)
    )


def acknowledge_own_policy(role: IConstruct) -> None:
    """Accept that the permissions of ``role`` are inline, as AWS advises for those of a single role.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-vs-inline.html
    """
    acknowledge(role, _INLINE_POLICY, "The policy belongs to this one role and is deleted with it.")


def acknowledge_called(function: IConstruct, caller: str) -> None:
    """Accept that ``function`` has no dead-letter queue, because ``caller`` waits for its response."""
    reason = f"{caller} invokes it and waits; a dead-letter queue is for asynchronous invocations."
    acknowledge(function, FUNCTION_DEAD_LETTERS, reason)


def acknowledge_framework(provider: cr.Provider) -> None:
    """Accept what the library decides in its framework of custom resources."""
    for function in provider.node.children:
        if function.node.id.startswith("framework-"):
            own = {
                FUNCTION_DEAD_LETTERS: "CloudFormation waits for the result and rolls back without it.",
                _MEMORY: "It passes one event on, for which Lambda's default of 128 MB is enough.",
            }
            acknowledge_all(function, {**FUNCTION, **own})
    if waiter := provider.node.try_find_child("waiter-state-machine"):
        acknowledge_all(waiter, STATE_MACHINE)
        acknowledge_own_policy(waiter.node.find_child("Role"))


def _spelled(value: Any) -> str:
    """How a finding spells a resolved value: a reference in angle brackets."""
    if isinstance(value, str):
        return value
    ((function, argument),) = value.items()
    if function == "Fn::Join":
        return str(argument[0]).join(map(_spelled, argument[1]))
    if function == "Fn::GetAtt":
        return f"<{'.'.join(argument)}>"
    if function == "Fn::Sub":
        return re.sub(r"\$\{([^}]+)\}", r"<\1>", argument)
    return f"<{argument}>"
