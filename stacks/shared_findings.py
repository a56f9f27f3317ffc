"""Findings that several constructs have in common, acknowledged for the same reason."""

from collections.abc import Mapping

from aws_cdk import custom_resources as cr
from constructs import IConstruct

from stacks.findings import (
    CONCURRENCY,
    FUNCTION_DEAD_LETTERS,
    INLINE_POLICY,
    MACHINE_LOGS,
    MACHINE_TRACING,
    MEMORY,
    TRACING,
    VPC,
    Rules,
    acknowledge,
)

_FUNCTION: Mapping[Rules, str] = {
    VPC: (
        "It listens to nobody and calls AWS alone, over TLS and as its own role; in a VPC it "
        "would need endpoints or a NAT gateway, which cost more than all the rest."
    ),
    CONCURRENCY: (
        "A reservation is taken from the account's other functions, and fails the deployment "
        "where the account's quota is the 10 of a new one; what calls it bounds it."
    ),
    TRACING: (
        "It logs what happened; tracing would need permissions on every resource, which the role is not to have."
    ),
}
_STATE_MACHINE: Mapping[Rules, str] = {
    MACHINE_LOGS: (
        "Step Functions keeps the history of every execution for 90 days; delivering logs as "
        "well takes permissions on every resource."
    ),
    MACHINE_TRACING: ("The functions log what happened; tracing takes permissions on every resource."),
}


def acknowledge_function(function: IConstruct) -> None:
    """Accept what is the same for every function of this project."""
    for rules, reason in _FUNCTION.items():
        acknowledge(function, rules, reason)


def acknowledge_state_machine(machine: IConstruct) -> None:
    """Accept that a state machine neither delivers logs nor traces."""
    for rules, reason in _STATE_MACHINE.items():
        acknowledge(machine, rules, reason)


def acknowledge_own_policy(role: IConstruct) -> None:
    """Accept that the permissions of ``role`` are inline, as AWS advises for those of one role.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-vs-inline.html
    """
    acknowledge(
        role,
        INLINE_POLICY,
        "The permissions are this one role's: they change and go with it, and nothing else can "
        "be given them by mistake.",
    )


def acknowledge_called(function: IConstruct, caller: str) -> None:
    """Accept that ``function`` has no dead letters, because ``caller`` waits for its answer."""
    acknowledge(
        function,
        FUNCTION_DEAD_LETTERS,
        f"{caller} calls it and waits for the answer, so a failure is known at once; Lambda sends "
        "dead letters of asynchronous calls only.",
    )


def acknowledge_framework(provider: cr.Provider) -> None:
    """Accept what is the library's in its framework of custom resources."""
    for function in provider.node.children:
        if function.node.id.startswith("framework-"):
            acknowledge_function(function)
            acknowledge(
                function,
                FUNCTION_DEAD_LETTERS,
                "CloudFormation waits for this call's outcome and rolls back without it; after "
                "that there is nothing to do with a dead letter.",
            )
            acknowledge(function, MEMORY, "It passes one event on, for which Lambda's default of 128 MB is enough.")
    if waiter := provider.node.try_find_child("waiter-state-machine"):
        acknowledge_state_machine(waiter)
        acknowledge_own_policy(waiter.node.find_child("Role"))
