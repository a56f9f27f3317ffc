"""What EventBridge and alarms deliver arrives only where the receiver's policy lets them.

Sources: EventBridge guide, "Using resource-based policies" (Lambda, SNS); SNS guide, "Key
management" (an encrypted topic: the key's policy must allow the service kms:GenerateDataKey* and
kms:Decrypt). AWS counts a refused delivery as FailedInvocations and says nothing else.
"""

import logging
from typing import Any

import ministack.core.iam_evaluator as evaluator
import ministack.services.cloudwatch as cloudwatch
import ministack.services.eventbridge as eventbridge
import ministack.services.kms as kms
import ministack.services.lambda_svc as lambda_svc
import ministack.services.sns as sns
from ministack.core.responses import get_account_id, get_region

from local.additions.replies import Json

EVENTS, ALARMS = "events.amazonaws.com", "cloudwatch.amazonaws.com"
KEY_USE = ("kms:Decrypt", "kms:GenerateDataKey")
_ACTIONS_OF_ALARMS = ("AlarmActions", "OKActions", "InsufficientDataActions")
_LOGGER = logging.getLogger(__name__)


def install() -> None:
    """Check each receiver before the engine delivers."""
    invoke = eventbridge._invoke_target
    act = cloudwatch._dispatch_alarm_actions

    def invoke_allowed(target: Json, event: Json, rule: Json, *view: Any) -> None:
        if receives(target.get("Arn", ""), EVENTS, str(rule.get("Arn", ""))):
            invoke(target, event, rule, *view)

    def act_allowed(alarm: Json, *change: Any) -> None:
        source = str(alarm.get("AlarmArn", ""))
        allowed = {
            name: [arn for arn in alarm.get(name) or [] if receives(arn, ALARMS, source)]
            for name in _ACTIONS_OF_ALARMS
        }
        act(alarm | allowed, *change)

    eventbridge._invoke_target = invoke_allowed
    cloudwatch._dispatch_alarm_actions = act_allowed


def receives(target: str, service: str, source: str) -> bool:
    """Whether the policies of a function or topic, and of its key, let ``service`` deliver.

    Everything else receives.
    """
    missing = _missing(target, service, source)
    if missing:
        action, resource = missing
        _LOGGER.warning(
            "delivery from %s lost: %s is not authorized to perform: %s on resource: %s",
            source, service, action, resource,
        )  # fmt: skip
    return not missing


def _missing(target: str, service: str, source: str) -> tuple[str, str] | None:
    """The first action that is not allowed, and on what."""
    if ":lambda:" in target:
        policy = lambda_svc.function_policy_for_arn(target)
        wanted = [("lambda:InvokeFunction", target, policy)]
    elif ":sns:" in target:
        policy = sns.topic_policy_for_arn(target)
        wanted = [("sns:Publish", target, policy), *_of_key(target)]
    else:
        return None
    for action, resource, found in wanted:
        if found and not _allows(found[0], action, resource, service, source):
            return action, resource
    return None


def _of_key(topic: str) -> list[tuple[str, str, Any]]:
    found = sns._topic_by_arn_any_scope(topic) or {}
    key = str(found.get("attributes", {}).get("KmsMasterKeyId") or "")
    record = kms._resolve_key(key) if key and "alias/aws/" not in key else None
    if not record:
        return []
    arn = str(record["Arn"])
    return [(action, arn, kms.key_policy_for_arn(arn)) for action in KEY_USE]


def _allows(policy: Any, action: str, resource: str, service: str, source: str) -> bool:
    context = evaluator.EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action=action,
        resource_arn=resource,
        region=get_region(),
        secure_transport=True,
        service_context={
            "aws:sourcearn": source,
            "aws:sourceaccount": get_account_id(),
            # The condition of the policy that a topic is born with.
            "aws:sourceowner": get_account_id(),
        },
    )
    decision = evaluator.evaluate_resource_policy(policy, context, service=service).decision
    return bool(decision == "Allow")
