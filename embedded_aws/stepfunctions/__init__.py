"""Additions to the engine's Step Functions: batches of a Distributed Map, gzip, roles.

``Guide`` in this package is the AWS Step Functions Developer Guide.
"""
