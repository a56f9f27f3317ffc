"""AWS::IAM::OIDCProvider.

Source: the type's schema in the CloudFormation registry: Ref and the attribute Arn are the
provider's ARN, Url is create-only. IAM's CreateOpenIDConnectProvider: there is one provider for a
URL in an account.
"""

import ministack.services.cloudformation.provisioners as engine
import ministack.services.iam as iam

from embedded_aws.cloudformation.registry import Made, register, replaces_on_change
from embedded_aws.replies import Json

PROVIDER = "AWS::IAM::OIDCProvider"


def install() -> None:
    """Register the type."""
    register(PROVIDER, create=_create, update=_update, delete=_delete)
    replaces_on_change(PROVIDER, "Url")


def _create(_: str, props: Json, __: str) -> Made:
    host = props["Url"].removeprefix("https://").rstrip("/")
    arn = f"arn:aws:iam::{engine.get_account_id()}:oidc-provider/{host}"
    if arn in iam._oidc_providers:
        raise ValueError(f"Provider with url {props['Url']} already exists.")
    iam._oidc_providers[arn] = {"Arn": arn, "CreateDate": iam._now(), **_record(props)}
    return arn, {"Arn": arn}


def _update(arn: str, old: Json, new: Json, stack: str, logical_id: str) -> Made:
    if old["Url"] != new["Url"]:
        made: Made = engine._replace_resource(PROVIDER, arn, old, new, stack, logical_id)
        return made
    iam._oidc_providers[arn] |= _record(new)
    return arn, {"Arn": arn}


def _delete(arn: str, _: Json) -> None:
    if arn in iam._oidc_providers:
        del iam._oidc_providers[arn]


def _record(props: Json) -> Json:
    """What IAM keeps of the properties, under the names that it uses."""
    return {
        "Url": props["Url"],
        "ClientIDList": list(props.get("ClientIdList") or []),
        "ThumbprintList": list(props.get("ThumbprintList") or []),
        "Tags": list(props.get("Tags") or []),
    }
