"""The stacks of a stage as they are deployed, each in its own region. Reads only."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cli.clients import Clients, find_stack, missing_table
from cli.errors import OpsError, code, explain
from ops.cost.assembly import Stacks, StackTemplate, Template
from ops.cost.plans import destinations
from ops.cost.standing import properties_of
from ops.review.stacks import NOTHING, Reviewed, is_same, reviewed

# Clients of a region; None is that of the environment or of the profile.
Place = Callable[[str | None], Clients]
_INSTEAD = "or compare with a git revision: --base REVISION"


@dataclass(frozen=True, kw_only=True)
class _Look:
    """What was found in place of one stack, and where, or why nobody could look.

    ``missing`` says that the table of the stack is not there.
    """

    found: StackTemplate | None = None
    account: str = ""
    region: str = ""
    refused: str = ""
    missing: str = ""

    @property
    def where(self) -> str:
        return f"account {self.account}, region {self.region}"


def compared(stacks: Stacks, place: Place) -> tuple[str, tuple[Reviewed, ...]]:
    """What the stacks are compared with, in words, and each of them with what is deployed.

    A stack that is not deployed is new, unless none of the stage's is: then there
    is nothing to compare with. After the stage's own come the stacks to whose
    vaults deployed plans copy and which the stage no longer has.
    """
    looks = [_look(place, one.region, partial(_template, name=one.name)) for one in stacks]
    there = tuple(look.found for look in looks if look.found)
    found = [
        reviewed(
            look.found, _placed(one, look), unknown=_unknown(one, look, any_there=bool(there)), missing=look.missing
        )
        for one, look in zip(stacks, looks, strict=True)
    ]
    if not there:
        return found[0].unknown, tuple(found)
    found += _no_longer(there, stacks, place)
    if len(found) == 1:
        return f"the deployed stack {stacks[0].name} in {looks[0].where}", tuple(found)
    account = next(look.account for look in looks if look.found)
    return f"what is deployed in account {account}", tuple(found)


def _look(place: Place, region: str | None, find: Callable[[Clients], StackTemplate | None]) -> _Look:
    """Look in one region; that nobody can is no failure: a review needs no account."""
    try:
        with closing(place(region)) as clients:
            identity = clients.identity()
            found = find(clients)
            there = find_stack(clients, found.name) if found else None
            missing = missing_table(clients, there)
    except (ClientError, BotoCoreError) as error:
        return _Look(refused=f"{explain(error)}; {_INSTEAD}")
    except OpsError as error:
        return _Look(refused=f"{error}; {_INSTEAD}")
    return _Look(found=found, account=identity.account, region=identity.region, missing=missing)


def _placed(one: StackTemplate, look: _Look) -> StackTemplate:
    """The stack where it would be deployed again: the credentials found it there."""
    return replace(one, region=look.found.region) if look.found else one


def _unknown(one: StackTemplate, look: _Look, *, any_there: bool) -> str:
    if look.refused or any_there:
        return look.refused
    return f"stack {one.name} is not deployed in {look.where}"


def _no_longer(there: Stacks, stacks: Stacks, place: Place) -> Iterator[Reviewed]:
    """The stacks of the vaults that deployed plans copy to, less those of ``stacks``."""
    plans = [plan for _, plan in _all(there, "AWS::Backup::BackupPlan")]
    known = [
        (region, vault.get("BackupVaultName")) for region, vault in _all((*there, *stacks), "AWS::Backup::BackupVault")
    ]
    for region, vault in dict.fromkeys(found for plan in plans for found in destinations(plan)):
        if (region, vault) in known:
            continue
        look = _look(place, region, partial(_with_vault, vault=vault))
        if look.refused:
            nobody = StackTemplate(name=f"the stack of vault {vault}", region=region, template=NOTHING)
            yield reviewed(nobody, None, unknown=look.refused)
        elif look.found and not any(is_same(look.found, one) for one in stacks):
            yield reviewed(look.found, None)


def _all(stacks: Stacks, kind: str) -> Iterator[tuple[str | None, Mapping[str, Any]]]:
    """The properties of every resource of a type, with the region of its stack."""
    for one in stacks:
        for properties in properties_of(one.template["Resources"], kind):
            yield one.region, properties


def _with_vault(clients: Clients, *, vault: str) -> StackTemplate | None:
    """The stack of the region that says in its outputs that it has the vault."""
    for page in clients("cloudformation").get_paginator("describe_stacks").paginate():
        for found in page["Stacks"]:
            outputs = {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", [])}
            if outputs.get("BackupVaultName") == vault:
                return _template(clients, name=found["StackName"])
    return None


def _template(clients: Clients, *, name: str) -> StackTemplate | None:
    """The template that a stack was deployed with; None where there is no stack."""
    if find_stack(clients, name) is None:
        return None
    try:
        answer = clients("cloudformation").get_template(StackName=name, TemplateStage="Original")
    except ClientError as error:
        if code(error) == "ValidationError":  # gone since
            return None
        raise
    body = answer["TemplateBody"]
    template: Template = dict(json.loads(body) if isinstance(body, str) else body)
    return StackTemplate(name=name, region=clients.region, template=template)
