"""Checks of the role that AWS Backup gets, and of the caller who passes it.

Source: AWS Backup guide, "IAM service roles" and "Passing roles"; AWS Backup's API answers
InvalidParameterValueException "... cannot be assumed by AWS Backup" (terraform-provider-aws,
internal/service/backup/selection.go).
"""

import json
from collections.abc import Callable, Iterable
from typing import Any

import ministack.core.iam_actions as iam_actions
import ministack.core.iam_evaluator as evaluator
import ministack.services.iam as iam
from ministack.core.responses import get_account_id, get_region

from embedded_aws.iam.reference import resource_of
from embedded_aws.replies import ApiError, Json, Reply, invalid

SERVICE = "backup.amazonaws.com"


def check_role(arn: str, caller: str) -> None:
    """Raise ApiError unless AWS Backup can assume the role and the caller may pass it."""
    if denied := caller_denial(caller, "iam:PassRole", arn, {"iam:PassedToService": SERVICE}):
        raise ApiError("AccessDeniedException", denied, 403)
    check_assumable(arn)


def check_assumable(arn: str) -> None:
    """Raise ApiError unless the role exists and trusts AWS Backup."""
    if not trusts(arn, SERVICE):
        raise invalid(f"IAM Role {arn} cannot be assumed by AWS Backup")


def caller_denial(access_key: str, action: str, resource: str, keys: Json | None = None) -> str | None:
    """Why the caller with this key may not do ``action`` on ``resource``, or None when it may."""
    service = action.partition(":")[0]
    denied = evaluator.enforce(
        access_key, action, service, get_region(), resource_arn=resource, service_context=keys or {}
    )
    if not isinstance(denied, evaluator.EvalResult):
        return None
    explicit = denied.decision == "Deny"
    return str(iam_actions.identity_denial_message(action, denied.principal_arn, resource, explicit))


def find(arn: str) -> Json | None:
    """The role with exactly this ARN, path included, or None."""
    role: Json | None = iam._roles.get(arn.rsplit("/", 1)[-1])
    return role if role and role["Arn"] == arn else None


def denial(arn: str, action: str, resource: str) -> str | None:
    """Why the role may not do ``action`` on ``resource``, or None when it may.

    Source of the text and of the role's name in it: widdix/aws-cf-templates#633.
    """
    name = arn.rsplit("/", 1)[-1]
    principal = f"arn:aws:sts::{get_account_id()}:assumed-role/{name}/AWSBackup-{name}"
    decision = _decision(name, context_of(principal, action, resource)) if find(arn) else "ImplicitDeny"
    if decision == "Allow":
        return None
    return str(iam_actions.identity_denial_message(action, principal, resource, decision == "Deny"))


def _decision(name: str, context: evaluator.EvalContext) -> str:
    """Allow, Deny or ImplicitDeny, by the policies of the role ``name`` within its boundary."""
    policies = evaluator._gather_role_policies(name, context.principal_account)
    limits = evaluator._permissions_boundary(iam._roles, name, context.principal_account)
    return str(evaluator.evaluate(context, policies, *limits).decision)


def first_denial(arn: str, wanted: Iterable[tuple[str, str]]) -> str | None:
    """The first denial of these actions, each on its resource; None when the role may do all."""
    denials = (denial(arn, action, resource) for action, resource in wanted)
    return next(filter(None, denials), None)


def trusts(arn: str, service: str) -> bool:
    """Whether the role exists and lets the AWS service assume it."""
    role = find(arn)
    if role is None:
        return False
    statements = json.loads(role["AssumeRolePolicyDocument"]).get("Statement", [])
    return any(
        statement.get("Effect") == "Allow" and evaluator._service_principal_matches(statement.get("Principal"), service)
        for statement in ([statements] if isinstance(statements, dict) else statements)
    )


def trusting(service: str, key: str, refusal: ApiError) -> Callable[..., Reply]:
    """A call, to be wrapped, that refuses a role that exists and does not trust ``service``.

    ``key`` names the role in the request, which is the call's last argument.
    """

    def handler(original: Callable[..., Reply], *arguments: Any) -> Reply:
        role = str(arguments[-1].get(key) or "")
        return refusal.reply() if find(role) and not trusts(role, service) else original(*arguments)

    return handler


def context_of(role: str, action: str, resource: str, **keys: str) -> evaluator.EvalContext:
    """A call through TLS by the role, which is given by its ARN or its name; ``keys`` are further condition keys."""
    account = get_account_id()
    return evaluator.EvalContext(
        principal_arn=f"arn:aws:iam::{account}:role/{role}" if ":" not in role else role,
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource_of(action, resource),
        region=get_region(),
        secure_transport=True,
        service_context=keys,
    )


def allows(role: str, action: str, resource: str, **keys: str) -> bool:
    """Whether the role may do ``action`` on ``resource``, with these condition keys."""
    return _decision(role.rsplit("/", 1)[-1], context_of(role, action, resource, **keys)) == "Allow"
