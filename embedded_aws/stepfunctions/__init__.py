"""Additions to the engine's Step Functions: batches of a Distributed Map, gzip, roles.

``Guide`` in this package is the AWS Step Functions Developer Guide.
"""

from embedded_aws.stepfunctions import distributed_map, execution_roles


def install() -> None:
    """Replace the engine's functions; each keeps the original for what it does well."""
    execution_roles.install()
    distributed_map.install()
