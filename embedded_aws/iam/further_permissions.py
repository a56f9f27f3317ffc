"""What a call needs besides the permission for its own action: to tag, to pass a role, to decrypt.

Sources for creating with tags: AWS Backup guide, "Access control"; KMS Developer Guide, "Controlling access to tags";
API references of SNS, SQS and EventBridge, CreateTopic, CreateQueue and PutRule. For roles: IAM User Guide, "Grant a
user permissions to pass a role to an AWS service" (AWS Backup checks its own, roles.py). For objects: S3 User Guide,
"Using server-side encryption with AWS KMS keys (SSE-KMS)" (reading needs kms:Decrypt on the key; S3 makes the call).
"""

import json
from collections.abc import Iterator
from typing import Any

import ministack.core.iam_actions as actions
import ministack.core.iam_evaluator as evaluator

from embedded_aws.encryption import key_of_object
from embedded_aws.replies import Json

PASSED = "additions:passed-roles"  # among the keys of a call, until the call is authorized
_TAGGING = {
    "backup:CreateBackupPlan": "TagResource",
    "backup:CreateBackupVault": "TagResource",
    "backup:CreateRestoreTestingPlan": "TagResource",
    "events:PutRule": "TagResource",
    "kms:CreateKey": "TagResource",
    "sns:CreateTopic": "TagResource",
    "sqs:CreateQueue": "TagQueue",
}
_REQUEST_TAG = "aws:requesttag/"
# The field that has the role, by service and call.
_ROLES = {
    "cloudformation": ("RoleARN", "CreateChangeSet CreateStack DeleteStack UpdateStack"),
    "events": ("RoleArn", "PutRule PutTargets"),
    "lambda": ("Role", "CreateFunction UpdateFunctionConfiguration"),
    "states": ("roleArn", "CreateStateMachine UpdateStateMachine"),
}
_PASSING = {f"{service}:{call}": name for service, (name, calls) in _ROLES.items() for call in calls.split()}

Permission = tuple[str, str, Json]  # the action, its resource, its condition keys


def passed_roles(action: str, body: bytes, params: Json) -> list[str]:
    """The ARNs of the roles that the call passes to its service."""
    if not (name := _PASSING.get(action)):
        return []
    try:
        request = json.loads(body) if body[:1] == b"{" else {}
    except ValueError:
        return []  # the service itself refuses it
    targets = request.get("Targets") or ()
    given = [params.get(name), *(one.get(name) for one in (request, *targets) if isinstance(one, dict))]
    return [str(one[0] if isinstance(one, list) else one) for one in given if one]


def further_permissions(action: str, region: str, resource: str, keys: Json) -> Iterator[Permission]:
    """What else the call of ``action`` on ``resource``, with these condition keys, needs."""
    service = action.partition(":")[0]
    if action in _TAGGING and any(name.lower().startswith(_REQUEST_TAG) for name in keys):
        yield f"{service}:{_TAGGING[action]}", resource, keys
    for role in keys.get(PASSED, ()):
        yield "iam:PassRole", role, {"iam:PassedToService": f"{service}.amazonaws.com"}
    if action in ("s3:GetObject", "s3:GetObjectVersion") and (key := key_of_object(resource)):
        yield "kms:Decrypt", key, {"kms:ViaService": f"s3.{region}.amazonaws.com"}


def refusal(denied: Any, action: str, resource: str) -> Any:
    """A denial of ``action`` on ``resource`` as the answer to another call, which has to name both."""
    if not isinstance(denied, evaluator.EvalResult):
        return denied
    text = actions.identity_denial_message(action, denied.principal_arn, resource, denied.decision == "Deny")
    return evaluator.AuthError("AccessDenied", text)
