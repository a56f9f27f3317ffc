"""What a review compares with in an account, against clients that answer from a table."""

import pytest

from ops.review.deployed_stacks import compared
from ops.template import StackTemplate
from tests.support.cost_templates import copy_to, of, plan, resource, rule
from tests.support.fake_clients import refusal

HOME, THERE, VAULT = "eu-west-1", "eu-central-1", "copies-v"
COPIES = {"Resources": {"Vault": resource("AWS::Backup::BackupVault", BackupVaultName=VAULT)}}
OWN_VAULT = resource("AWS::Backup::BackupVault", BackupVaultName={"Ref": "AWS::StackName"})
COPYING = of(Plan=plan(rule(copies=[copy_to(THERE)])), Vault=OWN_VAULT)
PLAIN = of(Plan=plan(rule()))


class Cloud:
    """An account: templates by region and name, and regions in which every call is denied."""

    def __init__(self, deployed, denied=()):
        self.deployed, self.denied, self.asked = deployed, denied, []

    def place(self, region):
        return _Clients(self, region or HOME)


class _Clients:
    def __init__(self, cloud, region):
        self.cloud, self.region, self.there = cloud, region, cloud.deployed.get(region, {})

    def __call__(self, _service):
        return self

    def account(self):
        self.cloud.asked.append(self.region)
        if self.region in self.cloud.denied:
            raise refusal("AccessDenied", "not you")
        return "111122223333"

    def close(self):
        pass

    def get_paginator(self, _operation):
        return self

    def paginate(self):
        return [self.describe_stacks(StackName=name) for name in self.there]

    def describe_stacks(self, *, StackName):
        if StackName not in self.there:
            raise refusal("ValidationError", f"Stack with id {StackName} does not exist")
        names = [one["Properties"].get("BackupVaultName") for one in self.there[StackName]["Resources"].values()]
        outputs = [{"OutputKey": "BackupVaultName", "OutputValue": name} for name in names if name]
        return {"Stacks": [{"StackName": StackName, "StackStatus": "CREATE_COMPLETE", "Outputs": outputs}]}

    def get_template(self, *, StackName, **_):
        return {"TemplateBody": self.there[StackName]}


def stage(home, copies=None):
    own = StackTemplate(name="own", region=HOME, template=home)
    return (own, StackTemplate(name="copies", region=THERE, template=copies)) if copies else (own,)


def test_each_stack_is_looked_up_in_its_own_region():
    cloud = Cloud({HOME: {"own": COPYING}, THERE: {"copies": COPIES}})
    base, found = compared(stage(COPYING, COPIES), cloud.place)
    assert base == "what is deployed in account 111122223333"
    assert [(one.place, one.old.template == one.new.template, one.unknown) for one in found] == [
        ("own in eu-west-1", True, ""),
        ("copies in eu-central-1", True, ""),
    ]
    assert cloud.asked == [HOME, THERE], "the vault is known: no search for it"


def test_a_stage_of_one_stack_is_named_with_its_place_where_the_credentials_found_it():
    cloud, nowhere = Cloud({HOME: {"own": PLAIN}}), (StackTemplate(name="own", template=PLAIN),)
    for stacks in (stage(PLAIN), nowhere):
        base, (one,) = compared(stacks, cloud.place)
        assert base == "the deployed stack own in account 111122223333, region eu-west-1"
        assert (one.old.template, one.old.region, one.new.region) == (PLAIN, HOME, HOME)
    _, (absent,) = compared(nowhere, Cloud({}).place)
    assert absent.latest.region is None


def test_a_stack_that_is_not_deployed_yet_is_new_where_the_stage_is():
    _, (own, copies) = compared(stage(COPYING, COPIES), Cloud({HOME: {"own": PLAIN}}).place)
    assert (own.old.template, copies.old, copies.unknown) == (PLAIN, None, "")
    base, found = compared(stage(COPYING, COPIES), Cloud({}).place)
    assert base == "stack own is not deployed in account 111122223333, region eu-west-1"
    assert [one.unknown.partition(" is not")[0] for one in found] == ["stack own", "stack copies"]


@pytest.mark.parametrize("there", [{"else": PLAIN, "copies": COPIES}, {}])
def test_a_stack_that_the_stage_no_longer_has_is_found_by_the_vault_of_its_plan(there):
    _, (own, *gone) = compared(stage(PLAIN), Cloud({HOME: {"own": COPYING}, THERE: there}).place)
    assert (own.old.template, own.new.template) == (COPYING, PLAIN)
    found = [(one.place, one.old.template, one.new) for one in gone]
    assert found == ([("copies in eu-central-1", COPIES, None)] if there else [])


@pytest.mark.parametrize("now", [stage(COPYING, COPIES), stage(PLAIN)], ids=["there", "gone"])
def test_a_region_that_the_caller_may_not_read_is_named_and_the_other_is_compared(now):
    cloud = Cloud({HOME: {"own": COPYING}, THERE: {"copies": COPIES}}, denied={THERE})
    _, (own, copies) = compared(now, cloud.place)
    assert (own.old.template, own.unknown) == (COPYING, "")
    assert copies.latest.region == THERE
    assert copies.unknown.startswith("Operation: AccessDenied: not you")
    assert copies.unknown.endswith("; or compare with a git revision: --base REVISION")
