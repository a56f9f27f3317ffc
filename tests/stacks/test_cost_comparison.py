"""What a comparison of two estimates says beside its difference."""

import pytest

from ops.cost.estimate import compare
from ops.cost.load import Load
from ops.template import StackTemplate
from tests.support.cost_templates import alone, of, old_table, resource
from tests.support.templates import synthesized

KEY, RETAINED = resource("AWS::KMS::Key"), {"DeletionPolicy": "RetainExceptOnCreate"}
KEPT = KEY | RETAINED
STAYS = "counted as gone, although it is retained and billed until it is deleted: "
GONE = "counted as gone, although retained resources stay until they are cleaned up: "
BUSY = Load(messages_per_day=10_000)


def stacks(*names, **resources):
    """A stage's own stack, and more that have these resources."""
    own = StackTemplate(name="own", template=of())
    return (own, *(StackTemplate(name=name, template={"Resources": resources}) for name in names))


MOVED = {"Old": old_table() | RETAINED, "Vault": resource("AWS::Backup::BackupVault") | RETAINED}


@pytest.mark.parametrize(
    ("before", "after", "notes"),
    [
        (alone(of(Key=KEPT)), alone(of()), [f"{STAYS}Key (AWS::KMS::Key)"]),
        (alone(of()), alone(of(Key=KEPT)), []),
        (alone(of(Key=KEPT)), alone(of(Key=KEPT)), []),
        (alone(of(Key=KEY)), alone(of()), []),
        (
            alone({"Resources": MOVED}),
            alone(of()),
            [f"{STAYS}Old (AWS::DynamoDB::Table)", f"{STAYS}Vault (AWS::Backup::BackupVault)"],
        ),
        (stacks("copies", Key=KEPT), stacks("else", Key=KEPT), [f"{GONE}copies"]),
        (stacks("copies", Key=KEPT), stacks("copies"), [f"{STAYS}Key (AWS::KMS::Key)"]),
        # A template given as a file names no stack.
        (alone(of(Key=KEPT)), stacks(), [f"{STAYS}Key (AWS::KMS::Key)"]),
    ],
)
def test_what_is_counted_as_gone_and_stays_is_named(before, after, notes):
    assert list(compare(before, after, Load()).notes) == notes


def placed(region=None, **settings):
    """A stage that names its region, or does not."""
    found = synthesized(region=region, **settings)
    return (StackTemplate(name="Messages-dev", region=region, template=found),)


def test_where_one_side_alone_names_a_region_both_have_its_prices():
    nowhere, ireland = placed(), placed(HOME := "eu-west-1")
    for found, side in ((compare(nowhere, ireland, BUSY), "new"), (compare(ireland, nowhere, BUSY), "old")):
        assert (found.before.region, found.after.region, found.delta, found.changes) == (HOME, HOME, 0, ())
        assert found.notes == (f"both sides are priced in {HOME}: only the {side} one names a region",)
    # A replica that comes with the region is all that costs more.
    wide = compare(nowhere, placed(HOME, replica_regions=("eu-central-1",)), BUSY)
    changed = {change.item for change in wide.changes}
    assert "writes on demand, eu-central-1" in changed
    assert "writes on demand" not in changed
    # The caller's region is that of both, and what does not exist has none.
    for before, after, region in [(nowhere, ireland, "us-west-2"), (nowhere, nowhere, None), ((), ireland, None)]:
        assert compare(before, after, BUSY, region=region).notes == ()


def test_two_regions_that_are_named_have_each_its_own_prices():
    found = compare(placed("us-west-2"), placed("eu-west-1"), BUSY)
    assert (found.before.region, found.after.region) == ("us-west-2", "eu-west-1")
    assert (found.notes, found.delta > 0) == ((), True)


def test_more_of_what_is_free_is_not_a_change():
    on_demand, fixed = alone(synthesized()), alone(synthesized(billing_mode="provisioned"))
    items = {change.item: change for change in compare(on_demand, fixed, Load(messages_per_day=1000)).changes}
    assert items["writes on demand"].after == 0
    assert items["write capacity"].quantity_after == 2 * 5 * 730
    assert "stream function, requests" not in items
