"""What a comparison says beside its difference."""

from ops.cost.assembly import StackTemplate
from ops.cost.comparison import compare
from ops.cost.load import Load
from ops.cost.report import free
from tests.support.cost_templates import alone, of, old_table, resource
from tests.support.templates import synthesized

KEPT = {**resource("AWS::KMS::Key"), "DeletionPolicy": "RetainExceptOnCreate"}
STAYS = "counted as gone, though it stays and is billed until somebody deletes it: "


def notes(before, after):
    return compare(before, after, Load()).notes


def test_a_key_that_stays_behind_goes_on_costing_and_it_says_so():
    before, after = (synthesized(region="eu-west-1", customer_key=keyed) for keyed in (True, False))
    assert STAYS + "StageKey97AE122F (AWS::KMS::Key)" in notes(alone(before), alone(after))
    assert notes(alone(after), alone(before)) == ()
    assert notes(alone(before), alone(before)) == ()


def test_what_goes_with_the_update_is_gone():
    assert notes(alone(of(Key=resource("AWS::KMS::Key"))), alone(of())) == ()


def test_a_table_and_a_vault_stay_behind_under_another_logical_id():
    kept = {"DeletionPolicy": "Retain"}
    table, vault = old_table() | kept, resource("AWS::Backup::BackupVault") | kept
    before, after = {"Old": table, "OldVault": vault}, {"New": table, "NewVault": vault}
    assert notes(alone({"Resources": before}), alone({"Resources": after})) == (
        STAYS + "Old (AWS::DynamoDB::Table)",
        STAYS + "OldVault (AWS::Backup::BackupVault)",
    )


def test_each_stack_is_looked_at_by_its_name():
    def stage(*more, **resources):
        own = StackTemplate(name="own", template=of())
        return (own, *(StackTemplate(name=name, template={"Resources": resources}) for name in more))

    both, moved = stage("copies", Key=KEPT), stage("else", Key=KEPT)
    gone = ("counted as gone, with what stays behind until it is cleaned up: copies",)
    assert notes(both, moved) == gone
    assert notes(both, stage()) == gone
    assert notes(both, stage("copies")) == (STAYS + "Key (AWS::KMS::Key)",)
    # A template that comes by itself names no stack.
    assert notes(alone(of(Key=KEPT)), stage()) == (STAYS + "Key (AWS::KMS::Key)",)


BUSY = Load(messages_per_day=10_000)


def placed(region=None, **settings):
    """A stage that names its region, or does not."""
    found = synthesized(region=region, **settings)
    return (StackTemplate(name="Messages-dev", region=region, template=found),)


def test_where_one_side_alone_names_a_region_both_have_its_prices():
    nowhere, ireland = placed(), placed("eu-west-1")
    found, turned = compare(nowhere, ireland, BUSY), compare(ireland, nowhere, BUSY)
    for one, side in ((found, "what it was"), (turned, "what it is now")):
        assert (one.before.region, one.after.region) == ("eu-west-1", "eu-west-1")
        assert (one.delta, one.changes) == (0, ())
        assert one.notes == (f"both sides are priced in eu-west-1: {side} names no region",)


def test_two_regions_that_are_named_have_each_its_own_prices():
    found = compare(placed("us-west-2"), placed("eu-west-1"), BUSY)
    assert (found.before.region, found.after.region) == ("us-west-2", "eu-west-1")
    assert (found.notes, found.delta > 0) == ((), True)


def test_nothing_is_said_where_the_caller_names_the_region_or_there_is_no_other_side():
    nowhere, ireland = placed(), placed("eu-west-1")
    for before, after, region in [(nowhere, ireland, "us-west-2"), (nowhere, nowhere, None), ((), ireland, None)]:
        assert compare(before, after, BUSY, region=region).notes == ()
    assert compare(nowhere, ireland, BUSY, region="us-west-2").delta == 0


def test_a_replica_that_comes_with_the_region_is_all_that_costs_more():
    wide = placed("eu-west-1", replica_regions=("eu-central-1",))
    found = compare(placed(), wide, BUSY)
    assert found.before.region == "eu-west-1"
    changed = {change.item for change in found.changes}
    assert "writes on demand, eu-central-1" in changed
    assert "writes on demand" not in changed


def test_what_takes_the_place_of_requests_is_shown_where_it_is_free():
    nobody, busy = Load(), Load(messages_per_day=1000)
    on_demand, fixed = alone(synthesized()), alone(synthesized(billing_mode="provisioned"))
    found = {change.item: change for change in compare(on_demand, fixed, busy).changes}
    assert found["writes on demand"].after == 0
    write = found["write capacity"]
    assert (write.before, write.after) == (0, 0)
    assert (write.quantity_before, write.quantity_after) == (0, 2 * 5 * 730)
    assert (write.is_free, free(write)) == (True, "0 → 7,300 write unit-hours, free")
    turned = {change.item: change for change in compare(fixed, on_demand, busy).changes}
    assert free(turned["write capacity"]) == "7,300 → 0 write unit-hours, free"
    assert compare(fixed, fixed, busy).changes == ()
    # More of what is free is no change: more runs of a function, for example.
    assert "stream function, requests" not in found
    assert all(change.is_free for change in compare(on_demand, fixed, nobody).changes)


def test_what_is_paid_is_shown_by_its_price_alone():
    (change,) = compare(alone(of()), alone(of(Key=resource("AWS::KMS::Key"))), Load()).changes
    assert (change.item, change.after, change.is_free) == ("customer key", 1, False)
