"""Calls are authorized on the resources that their actions take.

Source: Service Authorization Reference, which lists no resource type for dynamodb:ListBackups and
dynamodb:ListStreams.
"""

import pytest

from embedded_aws.tests.support.steps import allow, policy, refused, table_arn


@pytest.fixture
def user(client, name):
    """``user(service, call, on)``: a client of a role that may do ``call`` on this resource alone."""
    iam = client("iam")
    trusting = policy({"Effect": "Allow", "Principal": {"AWS": "000000000000"}, "Action": "sts:AssumeRole"})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusting)["Role"]["Arn"]

    def make(service, call, on):
        may = policy(allow(f"dynamodb:{call}", on=on))
        iam.put_role_policy(RoleName=name, PolicyName="listing", PolicyDocument=may)
        given = client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        keys = {"aws_access_key_id": given["AccessKeyId"], "aws_secret_access_key": given["SecretAccessKey"]}
        return client(service, aws_session_token=given["SessionToken"], **keys)

    return make


def test_a_grant_on_a_resource_that_the_action_does_not_take_gives_nothing(user, name):
    for resource in (table_arn(name), f"{table_arn(name)}*"):
        backups = user("dynamodb", "ListBackups", resource).list_backups
        assert refused(backups, TableName=name)[1] == "AccessDeniedException"
        streams = user("dynamodbstreams", "ListStreams", resource).list_streams
        assert refused(streams, TableName=name)[1] == "AccessDeniedException"
    assert user("dynamodb", "ListBackups", "*").list_backups(TableName=name)["BackupSummaries"] == []
    assert user("dynamodbstreams", "ListStreams", "*").list_streams(TableName=name)["Streams"] == []
