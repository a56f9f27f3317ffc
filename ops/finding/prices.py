"""What things cost a month, in US dollars: list prices, without any free tier.

Read from the price list of us-west-2 (Oregon), Amazon DynamoDB, on 2026-09-06;
other regions differ. Cold storage is from a secondary source. The prices of a
key and of logs are those of https://aws.amazon.com/kms/pricing/ and
https://aws.amazon.com/cloudwatch/pricing/. A GB is 2**30 bytes.
"""

AS_OF = "2026-09-06"
REGION = "us-west-2"
NOTE = f"list prices of {REGION} as of {AS_OF}, without any free tier"

GB = 2**30
HOURS = 730  # in a month
BACKUP_WARM = 0.10  # per GB-month; each DynamoDB backup is a full copy
BACKUP_COLD = 0.03
TABLE_STORAGE = 0.25  # per GB-month
TABLE_RECOVERY = 0.20  # per GB-month of a table with point-in-time recovery
WRITE_UNIT = 0.00065  # per provisioned unit and hour
READ_UNIT = 0.00013
KEY = 1.00  # per customer key
LOGS = 0.03  # per GB-month stored


def backup(size: int, *, storage: str = "WARM") -> float:
    """A backup of ``size`` bytes, AWS Backup's or DynamoDB's own; SYSTEM backups are free."""
    return size / GB * (BACKUP_COLD if storage == "COLD" else BACKUP_WARM)


def table(size: int, *, recovery: bool, read_units: int = 0, write_units: int = 0) -> float:
    """A table of ``size`` bytes, indexes included; units are 0 for one on demand."""
    stored = size / GB * (TABLE_STORAGE + (TABLE_RECOVERY if recovery else 0))
    return stored + HOURS * (read_units * READ_UNIT + write_units * WRITE_UNIT)


def logs(size: int) -> float:
    """A log group that holds ``size`` bytes."""
    return size / GB * LOGS
