"""Small templates to estimate and to review, spelled out."""

from ops.cost import bill
from ops.template import StackTemplate
from tests.support.tables import schema


def alone(template):
    """The stacks of a stage that has only this template."""
    return (StackTemplate(template=template),)


def read(template, **options):
    """What is billed for a stage that has only this template."""
    return bill.read(alone(template), **options)


def resource(kind, **properties):
    """A resource of any type."""
    return {"Type": kind, "Properties": properties}


def old_table(*, read=None, write=None, recovery=False, **more):
    """A table without index and stream; on demand unless it has units."""
    billing = {"BillingMode": "PAY_PER_REQUEST"}
    if write:
        units = {"ReadCapacityUnits": read, "WriteCapacityUnits": write}
        billing = {"BillingMode": "PROVISIONED", "ProvisionedThroughput": units}
    points = {"PointInTimeRecoveryEnabled": recovery}
    properties = {"KeySchema": schema("pk", "sk"), "PointInTimeRecoverySpecification": points, **billing, **more}
    return resource("AWS::DynamoDB::Table", **properties)


def of(table=None, **resources):
    """A template with one table and more."""
    return {"Resources": {"Table": table or old_table(), **resources}}


def plan(*rules):
    """A backup plan."""
    return resource("AWS::Backup::BackupPlan", BackupPlan={"BackupPlanName": "plan", "BackupPlanRule": list(rules)})


def rule(name="daily", schedule="cron(0 5 * * ? *)", *, copies=(), **lifecycle):
    """A rule of a backup plan."""
    return {"RuleName": name, "ScheduleExpression": schedule, "Lifecycle": lifecycle, "CopyActions": list(copies)}


def copy_to(region, **lifecycle):
    """A rule's copies to the vault copies-v in a region."""
    arn = {"Fn::Join": ["", [f"arn:aws:backup:{region}:", {"Ref": "AWS::AccountId"}, ":backup-vault:copies-v"]]}
    return {"DestinationBackupVaultArn": arn, "Lifecycle": lifecycle}
