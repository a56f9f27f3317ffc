"""Alarms, topics, OIDC providers, boundaries of roles, event source mappings.

Source: the types' schemas in the CloudFormation registry and the Template Reference; IAM's
CreateOpenIDConnectProvider (an account has one provider for a URL).
"""

from collections.abc import Callable

import ministack.services.cloudformation.provisioners as engine
import ministack.services.iam as iam
import ministack.services.lambda_svc as lambda_svc
import ministack.services.sns as sns

from embedded_aws.cloudformation.registry import Made
from embedded_aws.replies import Json, body_of
from embedded_aws.streams import states
from embedded_aws.streams.mappings import DEFAULTS, of_stream

KEY, BOUNDARY = "KmsMasterKeyId", "PermissionsBoundary"
MAPPING_NUMBERS = (
    "BatchSize MaximumBatchingWindowInSeconds MaximumRecordAgeInSeconds MaximumRetryAttempts ParallelizationFactor"
).split()
# Defaults for properties that a template does not set, besides the defaults of streams.
UNSET: Json = {"Enabled": True, "FilterCriteria": {}, "FunctionResponseTypes": [], "MaximumBatchingWindowInSeconds": 0}


def alarm_record(original: Callable[[str, Json], Json], name: str, properties: Json) -> Json:
    """An alarm on metric math, which the engine refuses: either MetricName or Metrics is given.

    Its expression is not worked out: it follows the first of its metrics, of whose data the engine
    itself records little.
    """
    metrics = properties.get("Metrics")
    if not metrics:
        return original(name, properties)
    followed = next((m["MetricStat"] for m in metrics if "MetricStat" in m), None)
    if followed is None:
        raise ValueError("AWS::CloudWatch::Alarm: none of Metrics has a MetricStat")
    metric, single = followed["Metric"], {key: value for key, value in properties.items() if key != "Metrics"}
    single |= {
        "Namespace": metric["Namespace"],
        "MetricName": metric["MetricName"],
        "Dimensions": metric.get("Dimensions", []),
        "Period": followed["Period"],
        "Statistic": followed["Stat"],
    }
    return original(name, single)


def create_topic(original: Callable[..., Made], logical_id: str, props: Json, *rest: str) -> Made:
    """A topic with its key, which the engine drops."""
    return _with_key(original(logical_id, props, *rest), props)


def update_topic(original: Callable[..., Made], arn: str, old: Json, new: Json, *rest: str) -> Made:
    """A topic whose key is changed without replacement."""
    return _with_key(original(arn, old, new, *rest), new)


def _with_key(made: Made, props: Json) -> Made:
    attributes, key = sns._topics[made[0]]["attributes"], props.get(KEY)
    attributes.pop(KEY, None)
    if key:
        attributes[KEY] = key
    return made


def create_provider(_: str, props: Json, __: str) -> Made:
    """Create an OIDC provider."""
    host = props["Url"].removeprefix("https://").rstrip("/")
    arn = f"arn:aws:iam::{engine.get_account_id()}:oidc-provider/{host}"
    if arn in iam._oidc_providers:
        raise ValueError(f"Provider with url {props['Url']} already exists.")
    iam._oidc_providers[arn] = {"Arn": arn, "CreateDate": iam._now(), **_provider_record(props)}
    return arn, {"Arn": arn}


def update_provider(arn: str, _: Json, new: Json, *__: str) -> Made:
    """Update an OIDC provider."""
    iam._oidc_providers[arn] |= _provider_record(new)
    return arn, {"Arn": arn}


def delete_provider(arn: str, _: Json) -> None:
    """Delete an OIDC provider."""
    iam._oidc_providers.pop(arn, None)


def _provider_record(props: Json) -> Json:
    """What IAM keeps of the properties, under the names that it uses."""
    return {
        "Url": props["Url"],
        "ClientIDList": list(props.get("ClientIdList") or []),
        "ThumbprintList": list(props.get("ThumbprintList") or []),
        "Tags": list(props.get("Tags") or []),
    }


def create_role(original: Callable[..., Made], logical_id: str, props: Json, *rest: str) -> Made:
    """A role with its boundary, the ARN of a managed policy."""
    return _with_boundary(original(logical_id, props, *rest), props)


def update_role(original: Callable[..., Made], name: str, old: Json, new: Json, *rest: str) -> Made:
    """A role whose boundary is changed without replacement."""
    return _with_boundary(original(name, old, new, *rest), new)


def _with_boundary(made: Made, props: Json) -> Made:
    iam._roles[made[0]][BOUNDARY] = props.get(BOUNDARY) or ""
    return made


def create_mapping(original: Callable[..., Made], logical_id: str, props: Json, stack: str) -> Made:
    """A mapping of a stream goes through Lambda's API, with its checks and defaults."""
    if not of_stream(props):
        return original(logical_id, props, stack)
    return _made_mapping(body_of(lambda_svc._create_esm(_mapping_request(props)))["UUID"])


def update_mapping(original: Callable[..., Made], identifier: str, old: Json, new: Json, stack: str, _: str) -> Made:
    """A property that leaves the template gets its default again; the engine would leave it set."""
    if not of_stream(new):
        return original(identifier, old, new, stack)
    body_of(lambda_svc._update_esm(identifier, DEFAULTS | UNSET | _mapping_request(new)))
    return _made_mapping(identifier)


def _made_mapping(identifier: str) -> Made:
    states.finish(identifier)
    return identifier, engine._lambda_esm_attrs(identifier)


def _mapping_request(props: Json) -> Json:
    """The properties in the form of the API: numbers as such, tags as a map."""
    request = {name: value for name, value in props.items() if value is not None}
    request |= {name: int(request[name]) for name in MAPPING_NUMBERS if name in request}
    if "Tags" in request:
        request["Tags"] = {tag["Key"]: tag["Value"] for tag in request["Tags"]}
    return request
