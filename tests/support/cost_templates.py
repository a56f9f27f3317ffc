"""Small templates to estimate and to review, spelled out."""

from ops.cost import bill
from ops.template import StackTemplate


def alone(template):
    """The stacks of a stage that has but this template."""
    return (StackTemplate(template=template),)


def read(template, **options):
    """What is billed of a stage that has but this template."""
    return bill.read(alone(template), **options)


def old_table(*, read=None, write=None, recovery=False, **more):
    """A table of before the index and the stream; on demand unless it has units."""
    billing = {"BillingMode": "PAY_PER_REQUEST"}
    if write:
        units = {"ReadCapacityUnits": read, "WriteCapacityUnits": write}
        billing = {"BillingMode": "PROVISIONED", "ProvisionedThroughput": units}
    return {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": recovery},
            **billing,
            **more,
        },
    }


def global_table(*regions):
    """A global table on demand with a replica in each region; None: in that of the stack."""
    replicas = [{"Region": region or {"Ref": "AWS::Region"}} for region in regions]
    keys = old_table()["Properties"]["KeySchema"]
    return resource("AWS::DynamoDB::GlobalTable", BillingMode="PAY_PER_REQUEST", KeySchema=keys, Replicas=replicas)


def of(table=None, **resources):
    """A template of one table and more."""
    return {"Resources": {"Table": table or old_table(), **resources}}


def plan(*rules):
    """A backup plan."""
    return {
        "Type": "AWS::Backup::BackupPlan",
        "Properties": {"BackupPlan": {"BackupPlanName": "plan", "BackupPlanRule": list(rules)}},
    }


def rule(name="daily", schedule="cron(0 5 * * ? *)", *, copies=(), **lifecycle):
    """A rule of a backup plan."""
    return {"RuleName": name, "ScheduleExpression": schedule, "Lifecycle": lifecycle, "CopyActions": list(copies)}


def alarm(**properties):
    """A CloudWatch alarm."""
    return {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}


def resource(kind, **properties):
    """Any other resource."""
    return {"Type": kind, "Properties": properties}
