"""The resource types that stacks of the embedded AWS can have and the registry describes."""

import ministack.services.cloudformation.provisioners as engine

from embedded_aws.cloudformation.backup_resources import SELECTION, TESTING_PLAN, TESTING_SELECTION
from embedded_aws.cloudformation.other_resources import PROVIDER
from embedded_aws.cloudformation.schemas import NOT_IN_REGISTRY

ADDED = {SELECTION, TESTING_PLAN, TESTING_SELECTION, PROVIDER}
KINDS = sorted((engine._RESOURCE_HANDLERS.keys() | ADDED) - set(NOT_IN_REGISTRY))
