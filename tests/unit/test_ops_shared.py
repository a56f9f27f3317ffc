"""Clients that many stacks share, and listings that are joined in memory."""

import threading
from types import SimpleNamespace

import pytest

from dynamo.parallel import lanes
from ops.inventory import vaults
from ops.inventory.found import Point, Vault
from ops.inventory.shared import SharedClient


class Client:
    """Counts its requests; a paginator is the client itself."""

    def __init__(self):
        self.seen = []

    def describe(self, **request):
        self.seen.append(request)
        if "bad" in request:
            raise ValueError(f"{len(self.seen)}")
        return len(self.seen)

    def get_paginator(self, operation):
        self.operation = operation
        return self

    def paginate(self, **request):
        self.seen.append(request)
        if self.operation == "list_backup_vaults":
            return iter([{"BackupVaultList": [{"BackupVaultName": name} for name in ("own", "empty", "Default")]}])
        return iter([{"rows": ["a-1", "b-1"]}, {"rows": ["a-2"]}])


def test_the_same_request_is_made_once_also_when_it_fails_and_others_are_not_mixed_up():
    shared = SharedClient(Client())
    assert [shared.describe(Name=name) for name in "xyx"] == [1, 2, 1]
    for _ in range(2):
        with pytest.raises(ValueError, match="3"):
            shared.describe(bad=1)


def test_who_asks_while_a_request_is_under_way_waits_for_its_answer():
    ready, made = threading.Event(), []

    def make():
        made.append(ready.wait(10))
        return "answer"

    shared = SharedClient(Client())
    with lanes(3, joined=True) as opened:
        futures = [opened.submit(shared.once, "key", make) for _ in range(3)]
        ready.set()
        assert [future.result(10) for future in futures] == ["answer"] * 3
    assert made == [True]


def test_aws_selects_the_rows_of_one_stack_and_those_of_many_come_from_one_listing():
    def own(stack):
        return lambda row: row.startswith(stack)

    def of(client, stack):
        return list(vaults.rows_of(client, "list_things", "rows", own(stack), {"Of": stack}, Kind="USER"))

    client = Client()
    assert (of(client, "a"), client.seen) == (["a-1", "a-2"], [{"Kind": "USER", "Of": "a"}])
    client = Client()
    shared = SharedClient(client)
    assert (of(shared, "a"), of(shared, "b"), client.seen) == (["a-1", "a-2"], ["b-1"], [{"Kind": "USER"}])


@pytest.mark.parametrize(("tables", "requests"), [(0, 0), (1, 1), (3, 3), (100, 1)])
def test_points_of_many_tables_come_from_one_list_of_each_vault_that_was_not_read_yet(tables, requests, monkeypatch):
    clients = SimpleNamespace(partition="aws")
    context = SimpleNamespace(clients=clients, region="r", account="1")
    names = [f"t{number}" for number in range(tables)]
    arns = [vaults.table_arn(context, name) for name in [*names, "other"]]
    asked = []

    def points(_, vault, **only):
        asked.append(vault)
        return [Point(arn=arn, vault=vault, status="", resource=arn) for arn in only.values() or arns if arn in arns]

    own = Point(arn="own", vault="own", status="", resource=arns[0])
    listed = [Vault(name="own", arn="own", points=(own,)), Vault(name="empty", arn="empty")]
    monkeypatch.setattr(vaults, "points", points)
    client = Client()
    context.clients = type("Clients", (), {"partition": "aws", "__call__": lambda *_: client})()
    found, unseen = vaults.table_points(context, names, listed=listed)
    assert (asked, unseen) == (["Default"] * requests, [])
    assert own in found or not tables
