"""EventBridge and alarms deliver only where roles and policies allow it.

Sources: EventBridge guide, "Using resource-based policies" (a target has a role, or its own policy lets the
service; "You can't use Condition blocks in Amazon SNS topic policies for EventBridge", so no source is known
there); SNS guide, "Key management" (an encrypted topic: who publishes needs kms:GenerateDataKey* and kms:Decrypt,
with the topic's ARN as encryption context; source keys are "not supported for EventBridge-to-encrypted topics").
AWS counts a refused delivery as FailedInvocations and says nothing else. Whether CloudWatch names a source to KMS
is not documented; here it does not.
"""

import json
import logging
from collections.abc import Callable
from typing import Any

import ministack.core.iam_evaluator as evaluator
import ministack.services.kms as kms
import ministack.services.lambda_svc as lambda_svc
import ministack.services.sns as sns
from ministack.core.responses import get_account_id, get_region

from embedded_aws.encryption import customer_key
from embedded_aws.iam.roles import denial, find
from embedded_aws.replies import Json

EVENTS, ALARMS = "events.amazonaws.com", "cloudwatch.amazonaws.com"
KEY_USE = ("kms:Decrypt", "kms:GenerateDataKey")
_ACTIONS_OF_ALARMS = ("AlarmActions", "OKActions", "InsufficientDataActions")
_LOGGER = logging.getLogger(__name__)


def invoke_target(original: Callable[..., None], target: Json, event: Json, rule: Json, *view: Any) -> None:
    """Deliver an event to a target that may receive it."""
    role = str(target.get("RoleArn") or "")
    if receives(target.get("Arn", ""), EVENTS, str(rule.get("Arn", "")), role):
        original(target, event, rule, *view)


def dispatch_actions(original: Callable[..., None], alarm: Json, *change: Any) -> None:
    """Take those actions of an alarm whose receivers may be called."""
    source = str(alarm.get("AlarmArn", ""))
    allowed = {
        name: [arn for arn in alarm.get(name) or [] if receives(arn, ALARMS, source)] for name in _ACTIONS_OF_ALARMS
    }
    original(alarm | allowed, *change)


def receives(target: str, service: str, source: str, role: str = "") -> bool:
    """Whether a function or topic, and its key, may be used by ``service``, or by its ``role``.

    Everything else receives.
    """
    by_role = role and ":sns:" in target
    missing = _missing_of_role(role, target, service, source) if by_role else _missing(target, service, source)
    if missing:
        refusal = "delivery from %s lost: %s is not authorized to perform: %s on resource: %s"
        _LOGGER.warning(refusal, source, service, *missing)
    return not missing


def _missing_of_role(role: str, topic: str, service: str, source: str) -> tuple[str, str] | None:
    found = find(role)
    trust = json.loads(found["AssumeRolePolicyDocument"]) if found else {}
    statements = trust.get("Statement", [])
    for statement in [statements] if isinstance(statements, dict) else statements:
        statement["Resource"] = "*"
    if not _allows(trust, "sts:AssumeRole", role, service, _of_source(source)):
        return "sts:AssumeRole", role
    wanted = [("sns:Publish", topic), *((action, arn) for action, arn, _ in _of_key(topic))]
    return next(((action, arn) for action, arn in wanted if denial(role, action, arn)), None)


def _missing(target: str, service: str, source: str) -> tuple[str, str] | None:
    """The first action that is not allowed, and on what."""
    keys = _of_source(source)
    if ":lambda:" in target:
        policy = lambda_svc.function_policy_for_arn(target)
        wanted = [("lambda:InvokeFunction", target, policy, keys)]
    elif ":sns:" in target:
        policy = sns.topic_policy_for_arn(target)
        context = {"kms:encryptioncontext:aws:sns:topicarn": target}
        wanted = [("sns:Publish", target, policy, {} if service == EVENTS else keys)]
        wanted += [(action, arn, found, context) for action, arn, found in _of_key(target)]
    else:
        return None
    for action, resource, found, known in wanted:
        if found and not _allows(found[0], action, resource, service, known):
            return action, resource
    return None


def _of_source(source: str) -> Json:
    """The condition keys that say for whom a service calls."""
    account = get_account_id()
    # The last is in the condition of the policy that a topic is born with.
    return {"aws:sourcearn": source, "aws:sourceaccount": account, "aws:sourceowner": account}


def _of_key(topic: str) -> list[tuple[str, str, Any]]:
    found = sns._topic_by_arn_any_scope(topic) or {}
    key = customer_key(str(found.get("attributes", {}).get("KmsMasterKeyId") or ""))
    return [(action, key, kms.key_policy_for_arn(key)) for action in KEY_USE] if key else []


def _allows(policy: Any, action: str, resource: str, service: str, keys: Json) -> bool:
    context = evaluator.EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action=action,
        resource_arn=resource,
        region=get_region(),
        secure_transport=True,
        service_context=dict(keys),
    )
    decision = evaluator.evaluate_resource_policy(policy, context, service=service).decision
    return bool(decision == "Allow")
