"""Templates of stacks whose region is known, with its name in the place of references. Pure."""

import json
from collections.abc import Mapping
from typing import Any

from ops.review.normal import normalised

Template = Mapping[str, Any]
_REGION = "AWS::Region"


def in_region(template: Template, region: str | None) -> Template:
    """The template with the region, where it is known, and its partition in place of references."""
    if not region:
        return template
    return dict(_placed(template, {_REGION: region, "AWS::Partition": _partition(region)}))


def settled(before: Template, after: Template, region: str | None) -> str:
    """That the change fixes the region of a stack, or frees it; empty where it does neither."""
    if not region:
        return ""
    if _names(region, before, after):
        return f"now fixed to region {region}: it was deployed where the credentials said"
    if _names(region, after, before):
        return f"no longer fixed to region {region}: it is deployed where the credentials say"
    return ""


def _names(region: str, one: Template, other: Template) -> bool:
    """Whether a resource that refers to the region in ``one`` has its name in ``other``.

    Of any resource: some refer to it always.
    """
    both = one["Resources"].keys() & other["Resources"].keys()
    texts = ((json.dumps(each["Resources"][name]) for each in (one, other)) for name in both)
    return any(_REGION in was and region not in was and _REGION not in now and region in now for was, now in texts)


def are_alike(one: Template, region: str | None, other: Template, elsewhere: str | None) -> bool:
    """Whether two templates have the same resources, each for its own region."""
    return _anywhere(one, region) == _anywhere(other, elsewhere)


def _anywhere(template: Template, region: str | None) -> str:
    text = json.dumps(normalised(in_region(template, region)).get("Resources"), sort_keys=True)
    return text.replace(region, "<region>") if region else text


def _partition(region: str) -> str:
    """https://docs.aws.amazon.com/general/latest/gr/rande.html has which begin with what."""
    special = {"cn-": "aws-cn", "us-gov-": "aws-us-gov", "eusc-": "aws-eusc"}
    found = (partition for begin, partition in special.items() if region.startswith(begin))
    return next(found, "aws")


def _placed(value: Any, known: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_placed(member, known) for member in value]
    if not isinstance(value, Mapping):
        return value
    if set(value) == {"Ref"} and value["Ref"] in known:
        return known[value["Ref"]]
    text = value.get("Fn::Sub")
    if len(value) == 1 and isinstance(text, str):
        for name, word in known.items():
            text = text.replace(f"${{{name}}}", word)
        return {"Fn::Sub": text} if "${" in text else text
    return {key: _placed(member, known) for key, member in value.items()}
