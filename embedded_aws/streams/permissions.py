"""What the function's role needs for a mapping, when it is made and whenever it is used.

Sources: guide, services-dynamodb-eventsourcemapping, "Required API operations"; the texts from
aws-amplify/amplify-cli#12965 (stream), aws-samples/aws-serverless-ecommerce-platform#41 and
serverless#12165 (a mapping whose role may not send to its destination is not made).

ListStreams has no resource type in the Service Authorization Reference, so only "*" allows it, as
in AWSLambdaDynamoDBExecutionRole. The Serverless Framework grants it on the stream's ARN and its
mappings are made (aws-cdk#34575), so AWS may ask for less than this; it never asks for more.
"""

import ministack.core.iam_evaluator as evaluator
from ministack.core.responses import get_account_id, get_region

from embedded_aws.replies import ApiError

READING = ("GetRecords", "GetShardIterator", "DescribeStream")
LISTING = "ListStreams"
_SENDING = {"sqs": ("SendMessage", "SQS"), "sns": ("Publish", "SNS")}


def check_reading(role: str, stream: str) -> None:
    """Raise ApiError unless the role may read the stream and list all streams."""
    if not (reads(role, stream) and _allowed(role, f"dynamodb:{LISTING}", "*")):
        raise ApiError("InvalidParameterValueException", refusal(stream))


def refusal(stream: str) -> str:
    """What Lambda says when it may not read the stream."""
    return (
        f"Cannot access stream {stream}. Please ensure the role can perform the GetRecords, "
        "GetShardIterator, DescribeStream, and ListStreams Actions on your stream in IAM."
    )


def check_sending(role: str, destination: str) -> None:
    """Raise ApiError unless the role may send to the destination; no policy of a queue helps.

    Source of the latter: gmetzker/serverless-plugin-lambda-dead-letter#40.
    """
    action, name = _SENDING[service(destination)]
    if not _allowed(role, f"{service(destination)}:{action}", destination):
        raise ApiError(
            "InvalidParameterValueException",
            f"The function execution role does not have permissions to call {action} on {name}",
        )


def reads(role: str, stream: str) -> bool:
    """Whether the role may read the stream."""
    return all(_allowed(role, f"dynamodb:{action}", stream) for action in READING)


def delivers(role: str, destination: str) -> bool:
    """Whether the role may send to the destination, and no policy of a queue denies it."""
    action, _ = _SENDING[service(destination)]
    context = _context(role, f"{service(destination)}:{action}", destination)
    policy, _ = evaluator._resource_policy(service(destination), destination) or ("", "")
    denied = evaluator.evaluate_resource_policy(policy, context).decision == "Deny"
    return _allowed(role, context.action, destination) and not denied


def service(destination: str) -> str:
    """The service of a destination's ARN.

    Raises ApiError for one that takes no failure records here.
    """
    name = (destination.split(":") + [""] * 3)[2]
    if name not in _SENDING:
        raise ApiError("InvalidParameterValueException", f"The destination ARN {destination} is invalid.")
    return name


def _allowed(role: str, action: str, resource: str) -> bool:
    context = _context(role, action, resource)
    policies = evaluator._gather_role_policies(_name(role), get_account_id())
    return bool(evaluator.evaluate(context, policies).decision == "Allow")


def _context(role: str, action: str, resource: str) -> evaluator.EvalContext:
    return evaluator.EvalContext(
        principal_arn=role,
        principal_type="AssumedRole",
        principal_account=get_account_id(),
        action=action,
        resource_arn=resource,
        region=get_region(),
        secure_transport=True,
    )


def _name(role: str) -> str:
    return role.rsplit("/", 1)[-1]
