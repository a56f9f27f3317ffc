"""Small templates to estimate and to review, spelled out."""

from ops.cost import template as billed
from ops.cost.assembly import StackTemplate


def alone(template):
    """The stacks of a stage that has but this template."""
    return (StackTemplate(template=template),)


def read(template, **options):
    """What is billed of a stage that has but this template."""
    return billed.read(alone(template), **options)


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
