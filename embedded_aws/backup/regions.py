"""DescribeRegionSettings and UpdateRegionSettings: what decides the form of a recovery point.

Source: guide, "Advanced DynamoDB backup": on by default for every account that had no vault
before 2021-11-21; off means that DynamoDB keeps the backup under an ARN of its own.
"""

from embedded_aws.backup import store
from embedded_aws.backup.requests import Request
from embedded_aws.replies import Json

OPT_IN = "ResourceTypeOptInPreference"
MANAGEMENT = "ResourceTypeManagementPreference"


def describe(_: Request) -> Json:
    """DescribeRegionSettings: DynamoDB only, since nothing else can be backed up here."""
    return {name: _preference(name) for name in (OPT_IN, MANAGEMENT)}


def update(request: Request) -> None:
    """UpdateRegionSettings."""
    for name in (OPT_IN, MANAGEMENT):
        store.region_settings[name] = _preference(name) | (request.body.get(name) or {})


def advanced() -> bool:
    """Whether AWS Backup itself keeps the backups of DynamoDB tables: both settings are on."""
    return all(_preference(name)["DynamoDB"] for name in (OPT_IN, MANAGEMENT))


def _preference(name: str) -> dict[str, bool]:
    chosen: dict[str, bool] = store.region_settings.get(name, {})
    return {"DynamoDB": True} | chosen
