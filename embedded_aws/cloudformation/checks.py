"""What CloudFormation checks before it creates or updates a resource, in stacks and nested stacks.

Source for custom resources: Template Reference, AWS::CloudFormation::CustomResource, ServiceToken ("Updates are not
supported"); the text: serverless/serverless#9240, cloudcomponents/cdk-constructs#197.
"""

from collections.abc import Callable

import ministack.services.cloudformation.provisioners as engine

from embedded_aws.cloudformation.property_rules import refuse_invalid
from embedded_aws.cloudformation.registry import Made
from embedded_aws.cloudformation.taken_names import refuse_taken
from embedded_aws.replies import Json

# Tags that CloudFormation adds; the schemas' rules are for those of the template.
OWN_TAGS = "aws:cloudformation:"
CUSTOM, TOKEN = ("Custom::", "AWS::CloudFormation::CustomResource"), "ServiceToken"


def provision_resource(original: Callable[..., Made], kind: str, logical_id: str, properties: Json, stack: str) -> Made:
    """Create a resource that the type's schema allows and whose name is free."""
    refuse_invalid(kind, logical_id, _of_template(kind, properties))
    refuse_taken(kind, logical_id, properties, stack)
    return original(kind, logical_id, properties, stack)


def update_resource(
    original: Callable[..., Made],
    kind: str,
    physical_id: str,
    old: Json,
    new: Json,
    stack: str,
    logical_id: str = "",
    attributes: Json | None = None,
) -> Made:
    """Update a resource to what the type's schema allows."""
    if kind.startswith(CUSTOM) and old.get(TOKEN) != new.get(TOKEN):
        raise ValueError("Modifying service token is not allowed.")
    if old != new:
        refuse_invalid(kind, logical_id, _of_template(kind, new))
    return original(kind, physical_id, old, new, stack, logical_id, attributes)


def _of_template(kind: str, properties: Json) -> Json:
    """The properties without the tags that CloudFormation adds."""
    name = engine._STACK_TAG_PROPERTY.get(kind, ("", ""))[0]
    tags = properties.get(name)
    if isinstance(tags, dict):
        own = {key: value for key, value in tags.items() if not key.startswith(OWN_TAGS)}
        return properties | {name: own}
    if isinstance(tags, list):
        return properties | {name: [tag for tag in tags if not str(tag.get("Key")).startswith(OWN_TAGS)]}
    return properties
