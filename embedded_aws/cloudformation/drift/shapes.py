"""Present values in the shape of a template, so that the engine can compare the two."""

from typing import Any

from embedded_aws.replies import Json

# The member by which elements of a list are compared.
NAMES = ("Region", "IndexName", "RuleName")
# The engine has no autoscaling: these are taken from the template.
SCALED = ("ReadCapacityAutoScalingSettings", "WriteCapacityAutoScalingSettings")


def set_in_template(actual: Any, expected: Any) -> Any:
    """``actual`` without the members that ``expected`` does not set, at any depth.

    Elements of lists are compared by name; one that ``expected`` lacks stays whole.
    """
    if isinstance(expected, list) and isinstance(actual, list):
        return [set_in_template(each, _namesake(each, expected)) for each in actual]
    if not isinstance(expected, dict) or not isinstance(actual, dict):
        return actual
    scaled = {name: value for name, value in expected.items() if name in SCALED}
    both = actual.keys() & expected.keys()
    return {name: set_in_template(actual[name], expected[name]) for name in both} | scaled


def _namesake(element: Any, others: list[Any]) -> Any:
    for name in NAMES:
        if isinstance(element, dict) and name in element:
            return next((other for other in others if other.get(name) == element[name]), None)
    return None


def tag_list(tags: Json) -> list[Json]:
    """Tags as a list of Key and Value."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def same_or(actual: str, expected: str, separator: str) -> str:
    """``expected`` if it is the ARN or the name of ``actual``, otherwise ``actual``."""
    return expected if expected.rsplit(separator, 1)[-1] == actual else actual
