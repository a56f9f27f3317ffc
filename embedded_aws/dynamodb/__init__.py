"""Additions to the engine's DynamoDB: deletion protection, PITR, backups, exports and error texts as on AWS.

``ACK`` in this package is docs/api-quirks of aws-controllers-k8s/dynamodb-controller, whose
authors measured each quirk on AWS; ``model`` is botocore's data/dynamodb/2012-08-10.
"""

from embedded_aws.dynamodb import (
    change_records,
    customer_keys,
    exports,
    numbers,
    pages,
    recovery,
    refusals,
    start_keys,
    table_backups,
)


def install() -> None:
    """Replace the engine's handlers; each keeps the original for what it does well."""
    numbers.install()
    pages.install()
    table_backups.install()
    recovery.install()
    exports.install()
    change_records.install()
    customer_keys.install()
    refusals.install()
    start_keys.install()
