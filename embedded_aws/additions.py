"""Install all additions to the engine, one package for each AWS service.

Every addition says which AWS behaviour it gives and where that is documented. The engine looks
its functions up by name at each request, so replacing a module's attribute is enough.
"""

import os

from embedded_aws import (
    answers,
    backup,
    cloudformation,
    deliveries,
    dynamodb,
    iam,
    lambda_functions,
    request_validation,
    settings,
    stepfunctions,
    streams,
)


def install() -> None:
    """Add everything to the engine, once, before it serves its first request."""
    settings.install(os.environ)
    for part in (dynamodb, backup, cloudformation, iam, stepfunctions, lambda_functions, streams, deliveries, answers):
        part.install()
    request_validation.install()  # the last, so that it is the first to see a request
