"""What a clean-up says of copies in the stage's own vault in another region."""

from ops.cleanup import plan
from ops.cleanup.copies import Copy
from ops.inventory.found import Inventory, Role

INVENTORY = Inventory(roles=(Role(name="Messages-prod-Role"),))
POINT = "arn:aws:backup:eu-central-1:111122223333:recovery-point:1"
STACK = "Messages-prod-Copies-eu-west-1"
OWN = Copy(arn=POINT, vault=f"arn:aws:backup:eu-central-1:111122223333:backup-vault:{STACK}-v", stack=STACK)
COMMAND = f"python -m ops cleanup --stack {STACK} --region eu-central-1"


def made(*copies):
    return plan.make(INVENTORY, region="eu-west-1", copies=iter(copies))


def test_the_role_stays_as_long_as_a_copy_it_made():
    planned = made(OWN)
    assert planned.actions == planned.blocked == ()
    role, copied = planned.stays
    assert (role.kind, role.id) == (plan.ROLE, "Messages-prod-Role")
    assert COMMAND in role.reason
    assert "then run this again" in role.reason
    assert (copied.id, COMMAND in copied.reason) == (POINT, True)


def test_without_a_copy_the_role_goes():
    (role,) = made().actions
    assert role.kind == plan.ROLE


def test_a_copy_in_somebody_elses_vault_is_no_reason_to_keep_the_role():
    theirs = Copy(arn=POINT, vault="arn:aws:backup:eu-central-1:111122223333:backup-vault:Default")
    planned = made(theirs)
    assert [item.kind for item in planned.actions] == [plan.ROLE]
    assert "aws backup delete-recovery-point" in planned.stays[0].reason
