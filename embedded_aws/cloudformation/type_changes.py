"""A resource keeps its type: an update that gives its logical id to another type is refused before it begins.

The engine replaces it. Source, with the text: aws-quickstart/quickstart-amazon-eks#361.
"""

from collections.abc import Callable

import ministack.services.cloudformation.engine as templates
import ministack.services.cloudformation.handlers as handlers
import ministack.services.cloudformation.helpers as helpers
import yaml

from embedded_aws.replies import Json, Reply


def refuse(original: Callable[[Json], Reply], parameters: Json) -> Reply:
    """UpdateStack or CreateChangeSet."""
    if changed := _changed(parameters):
        reply: Reply = helpers._error(
            "ValidationError",
            "Update of resource type is not permitted. The new template modifies resource type of the following "
            f"resources: [{', '.join(changed)}]",
        )
        return reply
    return original(parameters)


def _changed(parameters: Json) -> list[str]:
    """The resources of the stack to which the template gives another type; a transform may give any."""
    stack = handlers._resolve_stack(helpers._p(parameters, "StackName"))
    body, _ = helpers._resolve_template(parameters)
    if not stack or not body:
        return []
    try:
        template = templates._parse_template(body)
    except (ValueError, yaml.YAMLError):  # the original answers
        return []
    new = {} if "Transform" in template else template.get("Resources", {})
    old = stack.get("_resources", {}).items()
    return sorted(name for name, record in old if name in new and new[name].get("Type") != record["ResourceType"])
