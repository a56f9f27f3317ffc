"""With which key a recovery point is restored, by what AWS Backup may say of it."""

import pytest
from botocore.exceptions import ClientError

from cli.command_line import Context
from cli.errors import OpsError
from ops.inventory.found import Point
from ops.restore.encryption import metadata

HERE = "arn:aws:kms:eu-west-1:111122223333:key/here"
FAR = "arn:aws:kms:us-east-1:111122223333:key/far"
OURS, OF_AWS = f"{HERE}-vault", "arn:aws:kms:eu-west-1:111122223333:key/aws-backup"
DEFAULT = {"encryptionType": "Default"}


def kms(key):
    return {"encryptionType": "KMS", "kmsMasterKeyArn": key}


class Clients:
    """AWS Backup and KMS; ``denied`` says that the caller may not describe keys."""

    def __init__(self, kept, denied=False):
        self.kept, self.denied = kept, denied

    def __call__(self, _service):
        return self

    def get_recovery_point_restore_metadata(self, **_):
        return {"RestoreMetadata": self.kept | {"aws:backup:request-id": "r"}}

    def describe_key(self, *, KeyId):
        if self.denied:
            raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "DescribeKey")
        return {"KeyMetadata": {"KeyManager": "CUSTOMER" if KeyId == OURS else "AWS"}}


def told(kept, key, *, vault=OURS, denied=False):
    context = Context(clients=Clients(kept, denied), stack="s", account="1", region="eu-west-1")
    point = Point(arn="arn:point", vault="v", status="COMPLETED", key=vault)
    return metadata(context, point, key)


@pytest.mark.parametrize(
    ("kept", "key", "wanted"),
    [
        # Of the table that is there, or of the command line.
        (DEFAULT, HERE, kms(HERE)),
        (kms(FAR), HERE, kms(HERE)),
        (DEFAULT, "", DEFAULT),
        ({}, "", DEFAULT),
        # Of a table that is gone, or in another region.
        (kms(HERE), None, kms(HERE)),
        (kms(FAR), None, kms(OURS)),
        (kms(FAR), "", kms(OURS)),
        (DEFAULT, None, kms(OURS)),
        ({"EncryptionType": "KMS", "KMSMasterKeyArn": FAR}, None, kms(OURS)),
    ],
)
def test_the_key_is_of_this_region(kept, key, wanted):
    assert told(kept, key) == wanted | {"aws:backup:request-id": "r"}


@pytest.mark.parametrize("more", [{"vault": OF_AWS}, {"vault": ""}, {"denied": True}])
def test_without_a_customer_key_of_the_vault_the_encryption_stays_that_of_the_backup(more):
    for kept in (DEFAULT, kms("Not Applicable")):
        assert told(kept, None, **more) == kept | {"aws:backup:request-id": "r"}
    with pytest.raises(OpsError, match="name a key in eu-west-1 with --kms-key"):
        told(kms(FAR), None, **more)
