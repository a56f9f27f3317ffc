"""With which key a recovery point is restored, depending on the metadata that AWS Backup keeps with it."""

import pytest
from botocore.exceptions import ClientError

from cli.command_line import Context
from cli.errors import OpsError
from ops.inventory.found import Point
from ops.restore.restoration import restore_metadata

HERE = "arn:aws:kms:eu-west-1:111122223333:key/here"
FAR = "arn:aws:kms:us-east-1:111122223333:key/far"
OF_VAULT, OF_AWS = f"{HERE}-vault", "arn:aws:kms:eu-west-1:111122223333:key/aws-backup"
DEFAULT = {"encryptionType": "Default"}


def kms(key):
    return {"encryptionType": "KMS", "kmsMasterKeyArn": key}


def told(kept, key, *, vault=OF_VAULT, denied=False):
    """The metadata for a restore; ``denied``: the caller may not describe keys."""

    class Clients:
        def get_recovery_point_restore_metadata(self, **_):
            return {"RestoreMetadata": kept | {"aws:backup:request-id": "r"}}

        def describe_key(self, *, KeyId):
            if denied:
                raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "DescribeKey")
            return {"KeyMetadata": {"KeyManager": "CUSTOMER" if KeyId == OF_VAULT else "AWS"}}

    context = Context(clients=lambda _: Clients(), stack="s", account="1", region="eu-west-1")
    found = restore_metadata(context, Point(arn="arn:point", vault="v", status="COMPLETED", key=vault), key)
    assert found.pop("aws:backup:request-id") == "r"
    return found


@pytest.mark.parametrize(
    ("kept", "key", "wanted"),
    [
        (DEFAULT, HERE, kms(HERE)),
        (kms(FAR), HERE, kms(HERE)),
        (DEFAULT, "", DEFAULT),
        (kms(HERE), None, kms(HERE)),
        (kms(FAR), None, kms(OF_VAULT)),
        (kms(FAR), "", kms(OF_VAULT)),
        (DEFAULT, None, kms(OF_VAULT)),
        ({"EncryptionType": "KMS", "KMSMasterKeyARN": FAR}, None, kms(OF_VAULT)),
    ],
)
def test_the_key_is_in_this_region(kept, key, wanted):
    assert told(kept, key) == wanted


@pytest.mark.parametrize("more", [{"vault": OF_AWS}, {"vault": ""}, {"denied": True}])
def test_without_a_customer_key_of_the_vault_the_encryption_stays_that_of_the_backup(more):
    for kept in (DEFAULT, kms("Not Applicable")):
        assert told(kept, None, **more) == kept
    with pytest.raises(OpsError, match="name a key in eu-west-1 with --kms-key"):
        told(kms(FAR), None, **more)
