"""Findings of static rules that do not fit, acknowledged: one construct, one finding, one reason.

``make check`` holds every stage against the rules (tests/support/rules.py), and fails
for an acknowledgement that is no longer needed. docs/security.md lists them all.
"""

import re
from typing import Any

from aws_cdk import Acknowledgment, Stack, Validations
from constructs import Construct, IConstruct

# One matter each, under the names that different packs give it.
_NIST = "NIST.800.53.R5::NIST.800.53.R5-"
_SERVERLESS = "Serverless::Serverless-"
_CONTROL_TOWER = "CloudFormation-Validate::"
Rules = tuple[str, ...]
QUEUE_DEAD_LETTERS = (
    "AwsSolutions::AwsSolutions-SQS3",
    f"{_SERVERLESS}SQSRedrivePolicy",
    f"{_CONTROL_TOWER}sqs_dlq_check",
)
FUNCTION_DEAD_LETTERS = (f"{_NIST}LambdaDLQ", f"{_SERVERLESS}LambdaDLQ")
RULE_DEAD_LETTERS = (f"{_SERVERLESS}EventBusDLQ",)
MAIL_DEAD_LETTERS = (f"{_SERVERLESS}SNSRedrivePolicy",)
TOPIC_KEY = (f"{_NIST}SNSEncryptedKMS",)
LOG_KEY = (f"{_NIST}CloudWatchLogGroupEncrypted", f"{_CONTROL_TOWER}cloudwatch_log_group_encrypted_check")
LOG_RETENTION = (f"{_CONTROL_TOWER}cloudwatch_log_group_retention_period_check",)
WHOLE_SERVICES = (
    f"{_NIST}IAMPolicyNoStatementsWithFullAccess",
    f"{_CONTROL_TOWER}iam_managed_policy_no_statements_with_full_access_check",
)
INLINE_POLICY = (f"{_NIST}IAMNoInlinePolicy",)
MEMORY = (f"{_SERVERLESS}LambdaDefaultMemorySize",)
VPC = (f"{_NIST}LambdaInsideVPC", f"{_CONTROL_TOWER}lambda_inside_vpc_check")
CONCURRENCY = (f"{_NIST}LambdaConcurrency",)
TRACING = (f"{_SERVERLESS}LambdaTracing",)
MACHINE_LOGS = ("AwsSolutions::AwsSolutions-SF1", f"{_CONTROL_TOWER}step_functions_state_machine_logging_enabled_check")
MACHINE_TRACING = (
    "AwsSolutions::AwsSolutions-SF2",
    f"{_SERVERLESS}StepFunctionStateMachineXray",
    f"{_CONTROL_TOWER}step_functions_state_machine_tracing_enabled_check",
)


def acknowledge(construct: IConstruct, rules: Rules, reason: str) -> None:
    """Accept what ``rules`` find on ``construct``, for ``reason``, a sentence or more."""
    found = [Acknowledgment(id=rule, reason=reason) for rule in rules]
    Validations.of(construct).acknowledge(*found)


def acknowledge_wildcard(construct: Construct, resource: str, reason: str) -> None:
    """Accept that a policy of ``construct`` names the wildcard ``resource``, for ``reason``."""
    shown = _spelled(Stack.of(construct).resolve(resource))
    acknowledge(construct, (f"AwsSolutions::AwsSolutions-IAM5[Resource::{shown}]",), reason)


def acknowledge_wide_action(construct: Construct, action: str, reason: str) -> None:
    """Accept that a policy of ``construct`` allows ``action`` with its wildcard, for ``reason``."""
    acknowledge(construct, (f"AwsSolutions::AwsSolutions-IAM5[Action::{action}]",), reason)


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
