"""Acknowledged findings of cdk-nag: one construct, one finding, one reason."""

import re
from typing import Any

from aws_cdk import Acknowledgment, Stack, Validations
from constructs import Construct

_UNLOGGED = {
    "SF1": "Step Functions keeps the history of every execution for 90 days; delivering logs as "
    "well takes permissions on every resource.",
    "SF2": "The functions log what happened; tracing takes permissions on every resource.",
}


def acknowledge_wildcard(construct: Construct, resource: str, reason: str) -> None:
    """Accept that a policy of ``construct`` names the wildcard ``resource``, for ``reason``."""
    shown = _spelled(Stack.of(construct).resolve(resource))
    finding = f"AwsSolutions::AwsSolutions-IAM5[Resource::{shown}]"
    Validations.of(construct).acknowledge(Acknowledgment(id=finding, reason=reason))


def acknowledge_wide_action(construct: Construct, action: str, reason: str) -> None:
    """Accept that a policy of ``construct`` allows ``action`` with its wildcard, for ``reason``."""
    finding = f"AwsSolutions::AwsSolutions-IAM5[Action::{action}]"
    Validations.of(construct).acknowledge(Acknowledgment(id=finding, reason=reason))


def acknowledge_unlogged(machine: Construct) -> None:
    """Accept that a state machine neither delivers logs nor traces."""
    for rule, reason in _UNLOGGED.items():
        finding = Acknowledgment(id=f"AwsSolutions::AwsSolutions-{rule}", reason=reason)
        Validations.of(machine).acknowledge(finding)


def acknowledge_no_dead_letters(queue: Construct, reason: str) -> None:
    """Accept that ``queue`` has no queue of its own for what fails, for ``reason``."""
    finding = Acknowledgment(id="AwsSolutions::AwsSolutions-SQS3", reason=reason)
    Validations.of(queue).acknowledge(finding)


def acknowledge_unencrypted(topic: Construct, reason: str) -> None:
    """Accept that ``topic`` is not encrypted with a key of the account, for ``reason``."""
    finding = Acknowledgment(id="AwsSolutions::AwsSolutions-SNS2", reason=reason)
    Validations.of(topic).acknowledge(finding)


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
