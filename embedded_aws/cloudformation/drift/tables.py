"""Present properties of AWS::DynamoDB::GlobalTable: the replica in the stack's own region."""

import ministack.services.cloudformation.drift as engine
import ministack.services.dynamodb as dynamodb
from ministack.core.responses import get_region

from embedded_aws.cloudformation.drift.shapes import set_in_template, tag_list
from embedded_aws.replies import Json


def global_table(name: str, props: Json) -> Json | None:
    """The table's properties; replicas in other regions are taken from the template."""
    found = engine._read_dynamodb_table(name, props)
    if found is None:
        return None
    table, region = dynamodb._tables[name], get_region()
    found |= _settings(name, table) | _throughput(table)
    found["Tags"] = tag_list(found["Tags"])
    indexes = table.get("GlobalSecondaryIndexes") or []
    found["GlobalSecondaryIndexes"] = [index | _throughput(index) for index in indexes]
    replicas = [found | {"Region": region} if replica["Region"] == region else replica for replica in props["Replicas"]]
    present: Json = set_in_template(found | {"Replicas": replicas}, props)
    return present


def _settings(name: str, table: Json) -> Json:
    encryption = table.get("SSEDescription") or {}
    recovery = dynamodb._pitr_settings.get(name)
    expiry = dynamodb._ttl_settings.get(name) or {}
    days = {"RecoveryPeriodInDays": recovery["Days"]} if recovery else {}
    return {
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": bool(recovery)} | days,
        "SSESpecification": {
            "SSEEnabled": encryption.get("Status") == "ENABLED",
            "SSEType": encryption.get("SSEType"),
            "KMSMasterKeyId": encryption.get("KMSMasterKeyArn"),
        },
        "TableClass": (table.get("TableClassSummary") or {}).get("TableClass", "STANDARD"),
        "TimeToLiveSpecification": {
            "Enabled": expiry.get("TimeToLiveStatus") == "ENABLED",
            "AttributeName": expiry.get("AttributeName"),
        },
    }


def _throughput(source: Json) -> Json:
    """The throughput of a table or an index, under every name that the type has for it."""
    units, maxima = source.get("ProvisionedThroughput"), source.get("OnDemandThroughput")
    return {
        f"{way}{kind}ThroughputSettings": values or {}
        for way in ("Read", "Write")
        for kind, values in (("Provisioned", units), ("OnDemand", maxima))
    }
