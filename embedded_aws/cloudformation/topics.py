"""AWS::SNS::Topic keeps its key, which the engine's drops.

Source: the type's schema in the CloudFormation registry (KmsMasterKeyId, which can be changed).
"""

import ministack.services.cloudformation.provisioners as engine
import ministack.services.sns as service

from embedded_aws.cloudformation.registry import Made, register, replace_function
from embedded_aws.replies import Json

TOPIC, KEY = "AWS::SNS::Topic", "KmsMasterKeyId"


def install() -> None:
    """Register the type."""
    engine_create, engine_update = engine._sns_create, engine._sns_update

    def create(logical_id: str, props: Json, stack: str) -> Made:
        made: Made = engine_create(logical_id, props, stack)
        _encrypt(made[0], props)
        return made

    def update(arn: str, old: Json, new: Json, stack: str, logical_id: str) -> Made:
        made: Made = engine_update(arn, old, new, stack, logical_id)
        _encrypt(made[0], new)
        return made

    register(TOPIC, create=create, update=update)
    replace_function("_sns_create", create)  # the engine's update replaces with it


def _encrypt(arn: str, props: Json) -> None:
    attributes = service._topics[arn]["attributes"]
    attributes.pop(KEY, None)
    if props.get(KEY):
        attributes[KEY] = props[KEY]
