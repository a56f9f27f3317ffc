"""Present properties of alarms, rules, roles, keys, topics, queues and state machines."""

import ministack.services.cloudformation.drift as engine
import ministack.services.cloudformation.provisioners as provisioners
import ministack.services.cloudwatch as cloudwatch
import ministack.services.eventbridge as events
import ministack.services.iam as iam
import ministack.services.kms as kms
import ministack.services.sns as sns
import ministack.services.sqs as sqs
import ministack.services.stepfunctions as stepfunctions

from embedded_aws.cloudformation.drift.shapes import same_or, tag_list
from embedded_aws.replies import Json


def alarm(name: str, _: Json) -> Json | None:
    """The properties of an Alarm, except for its Metrics."""
    found = cloudwatch._alarms.get(name)
    if found is None:
        return None
    threshold = float(found["Threshold"])  # the engine keeps a template's 0 as 0.0
    return {
        **found,
        "Tags": tag_list(cloudwatch._resource_tags.get(found["AlarmArn"]) or {}),
        "Threshold": int(threshold) if threshold.is_integer() else threshold,
    }


def dashboard(name: str, _: Json) -> Json | None:
    """The properties of a Dashboard, except for its tags."""
    found: Json | None = cloudwatch._dashboards.get(name)
    return found


def rule(name: str, props: Json) -> Json:
    """The properties of a Rule."""
    identity = events._rule_key(name, provisioners._eb_rule_bus_name(props))
    found = events._rules[identity]
    return {
        **found,
        "EventPattern": engine._json_or(found["EventPattern"]),
        "Tags": tag_list(events._tags.get(found["Arn"]) or {}),
        "Targets": events._targets.get(identity) or [],
    }


def role(name: str, _: Json) -> Json:
    """The properties of a Role that the engine does not read."""
    found = iam._roles[name]
    return {
        "ManagedPolicyArns": found["AttachedPolicies"],
        "PermissionsBoundary": found.get("PermissionsBoundary"),
        "Policies": [
            {"PolicyName": policy, "PolicyDocument": engine._json_or(document)}
            for policy, document in found["InlinePolicies"].items()
        ],
    }


def key(key_id: str, _: Json) -> Json | None:
    """The properties of a Key; one that is pending deletion counts as deleted."""
    found = kms._keys.get(key_id)
    if found is None or found["KeyState"] == "PendingDeletion":
        return None
    return {
        "Description": found["Description"],
        "EnableKeyRotation": found.get("KeyRotationEnabled", False),
        "KeyPolicy": engine._json_or(found["Policy"]),
        "Tags": tag_list({tag["TagKey"]: tag["TagValue"] for tag in found.get("Tags") or []}),
    }


def alias(name: str, props: Json) -> Json | None:
    """The properties of an Alias."""
    target = kms._aliases.get(kms._alias_arn(name))
    if target is None:
        return None
    return {"AliasName": name, "TargetKeyId": same_or(target, props["TargetKeyId"], "/")}


def topic(arn: str, _: Json) -> Json:
    """The properties of a Topic that the engine does not read: its key, if it has one."""
    attributes = sns._topics[arn]["attributes"]
    return {name: attributes[name] for name in ("KmsMasterKeyId",) if name in attributes}


def queue(url: str, _: Json) -> Json:
    """The properties of a Queue that the engine does not read: encryption, on by default.

    Source: SQS Developer Guide, "Encryption at rest in Amazon SQS".
    """
    attributes = sqs._queues[url]["attributes"]
    return {"SqsManagedSseEnabled": attributes.get("SqsManagedSseEnabled", "true")}


def state_machine(arn: str, _: Json) -> Json:
    """The properties of a StateMachine that the engine does not read."""
    found = stepfunctions._state_machines[arn]
    return {"DefinitionString": found["definition"], "RoleArn": found["roleArn"]}
