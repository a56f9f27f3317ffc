"""Updates of tables that CloudFormation, or DynamoDB behind it, refuses.

Each check raises ValueError with AWS's text, as far as it is known.
"""

from collections.abc import Mapping

from embedded_aws.dynamodb.tables import PROTECTED
from embedded_aws.replies import Json


def check_indexes(before: Json, after: Json) -> None:
    """Raise ValueError for changes of indexes that DynamoDB does not make.

    Source: aws-cdk#12246 and cloudformation-coverage-roadmap#881 (one index at a time).
    """
    old, new = ({index["IndexName"] for index in table["GlobalSecondaryIndexes"]} for table in (before, after))
    if len(old ^ new) > 1:
        raise ValueError("Cannot perform more than one GSI creation or deletion in a single update")


def check_billing(before: Json, after: Json) -> None:
    """Raise ValueError for another billing mode of a global table without its seed capacity.

    The mode that is provisioned has to have it: the new one for the switch, the old one for the
    rollback of a switch to on demand.

    Source: CloudFormation reference, CapacityAutoScalingSettings, SeedCapacity; the text for
    OnDemand from aws-cdk#27735 and https://qiita.com/kosei/items/ca5bd4c5e02258269357, the other
    is published nowhere.
    """
    old, new = (table.get("BillingMode", "PROVISIONED") for table in (before, after))
    if (old, new) == ("PROVISIONED", "PAY_PER_REQUEST") and _lacks_seed_capacity(before):
        raise ValueError(
            "Invalid request provided: When switching billing mode to OnDemand, the previous "
            "template must specify a value for all autoscaled resources, so that Cloudformation "
            "can rollback if needed."
        )
    if (old, new) == ("PAY_PER_REQUEST", "PROVISIONED") and _lacks_seed_capacity(after):
        raise ValueError(
            "Invalid request provided: When switching billing mode to Provisioned, SeedCapacity "
            "must be specified for all autoscaled resources."
        )


def check_replicas(before: Json, after: Json) -> None:
    """Raise ValueError for replicas of a global table that do not come or go as they should.

    Sources: CloudFormation reference, AWS::DynamoDB::GlobalTable, Replicas (one in each update;
    the text is published nowhere); DynamoDB guide, best practices for global tables (deletion
    protection is each replica's own).
    """
    old, new = ({replica["Region"]: replica for replica in table.get("Replicas", [])} for table in (before, after))
    if len(old.keys() ^ new.keys()) > 1:
        raise ValueError("Only one replica can be added or deleted in a single update")
    if any(old[region].get("DeletionProtectionEnabled") for region in old.keys() - new.keys()):
        raise ValueError(PROTECTED)


def _lacks_seed_capacity(value: object) -> bool:
    """Whether anything in ``value`` is scaled and has no seed capacity."""
    if isinstance(value, Mapping):
        if "MaxCapacity" in value:
            return "SeedCapacity" not in value
        return any(map(_lacks_seed_capacity, value.values()))
    return isinstance(value, list) and any(map(_lacks_seed_capacity, value))
