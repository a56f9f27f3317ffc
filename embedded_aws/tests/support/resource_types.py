"""The resource types that stacks of the embedded AWS can have and the registry describes."""

import ministack.services.cloudformation.provisioners as engine

from embedded_aws import hooks
from embedded_aws.cloudformation.schemas import NOT_IN_REGISTRY

ADDED = {name.removeprefix(hooks.TYPES).split(".")[0] for name, _, _ in hooks.HOOKS if name.startswith(hooks.TYPES)}
KINDS = sorted((engine._RESOURCE_HANDLERS.keys() | ADDED) - set(NOT_IN_REGISTRY))
