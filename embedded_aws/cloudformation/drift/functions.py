"""Present properties of functions, event source mappings and permissions."""

import ministack.services.cloudformation.provisioners as engine
import ministack.services.lambda_svc as service

from embedded_aws.cloudformation.drift.shapes import same_or, set_in_template, tag_list
from embedded_aws.replies import Json


def function(name: str, props: Json) -> Json:
    """The properties of a Function that the engine does not read."""
    config = service._functions[name]["config"]
    logging = set_in_template(config.get("LoggingConfig"), props.get("LoggingConfig"))
    return {"LoggingConfig": logging}


def mapping(identifier: str, props: Json) -> Json | None:
    """The properties of an EventSourceMapping."""
    found = service._esms.get(identifier)
    if found is None:
        return None
    return {
        **found,
        "FunctionName": same_or(found["FunctionName"], props["FunctionName"], ":"),
        "Tags": tag_list(found.get("Tags") or {}),
    }


def permission(statement_id: str, props: Json) -> Json | None:
    """Whether the Permission's statement exists; Lambda cannot change a statement."""
    of = engine._lambda_function_for_cfn_ref(props["FunctionName"])[0]
    statements = of["policy"]["Statement"] if of else []
    return {} if any(each["Sid"] == statement_id for each in statements) else None
