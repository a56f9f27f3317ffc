"""The stacks of a stage as they are deployed, each in its own region. Reads only."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial

from botocore.exceptions import BotoCoreError, ClientError

from cli.clients import Clients, find_stack, missing_table
from cli.errors import OpsError, code, explain
from ops.review.stage_review import ReviewedStack, is_same
from ops.template import Stacks, StackTemplate, copy_vaults

# Clients for a region; None is that of the environment or of the profile.
Place = Callable[[str | None], Clients]


@dataclass(frozen=True, kw_only=True)
class _Look:
    """What was found for one stack, and where; or why the lookup was ``refused``."""

    found: StackTemplate | None = None
    account: str = ""
    region: str = ""
    refused: str = ""
    missing: str = ""

    @property
    def where(self) -> str:
        return f"account {self.account}, region {self.region}"


def compared(stacks: Stacks, place: Place) -> tuple[str, tuple[ReviewedStack, ...]]:
    """What the stacks are compared with, in words, and each of them with what is deployed.

    A stack that is not deployed is new, unless none of the stage's is: then there is nothing to
    compare with. After the stage's own come the stacks to whose vaults deployed plans copy and
    which the stage no longer has.
    """
    looks = [_look(place, one.region, partial(_template, name=one.name)) for one in stacks]
    there = tuple(look.found for look in looks if look.found)
    found = []
    for one, look in zip(stacks, looks, strict=True):
        # Where the credentials found it is where it would be deployed again.
        new = replace(one, region=look.found.region) if look.found else one
        unknown = look.refused or ("" if there else f"stack {one.name} is not deployed in {look.where}")
        found.append(ReviewedStack(old=look.found, new=new, unknown=unknown, missing=look.missing))
    if not there:
        return found[0].unknown, tuple(found)
    found += _no_longer(there, stacks, place)
    if len(found) == 1:
        return f"the deployed stack {stacks[0].name} in {looks[0].where}", tuple(found)
    account = next(look.account for look in looks if look.found)
    return f"what is deployed in account {account}", tuple(found)


def _look(place: Place, region: str | None, find: Callable[[Clients], StackTemplate | None]) -> _Look:
    """Look in one region; a refusal is no failure: a review needs no account."""
    try:
        with closing(place(region)) as clients:
            identity = clients.identity()
            found = find(clients)
            missing = missing_table(clients, find_stack(clients, found.name) if found else None)
    except (ClientError, BotoCoreError, OpsError) as error:
        reason = str(error) if isinstance(error, OpsError) else explain(error)
        return _Look(refused=f"{reason}; or compare with a git revision: --base REVISION")
    return _Look(found=found, account=identity.account, region=identity.region, missing=missing)


def _no_longer(there: Stacks, stacks: Stacks, place: Place) -> Iterator[ReviewedStack]:
    """The stacks of the vaults that deployed plans copy to, less those of ``stacks``."""
    plans = [plan for one in there for plan in one.properties_of("AWS::Backup::BackupPlan")]
    known = {
        (one.region, str(vault.get("BackupVaultName")))
        for one in (*there, *stacks)
        for vault in one.properties_of("AWS::Backup::BackupVault")
    }
    for region, vault in dict.fromkeys(found for plan in plans for found in copy_vaults(plan)):
        if (region, vault) in known:
            continue
        look = _look(place, region, partial(_with_vault, vault=vault))
        if look.refused:
            unseen = StackTemplate(name=f"the stack of vault {vault}", region=region, template={"Resources": {}})
            yield ReviewedStack(old=unseen, new=None, unknown=look.refused)
        elif look.found and not any(is_same(look.found, one) for one in stacks):
            yield ReviewedStack(old=look.found, new=None)


def _with_vault(clients: Clients, *, vault: str) -> StackTemplate | None:
    """The stack in the region that names the vault in its outputs."""
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
        if code(error) == "ValidationError":  # deleted in the meantime
            return None
        raise
    body = answer["TemplateBody"]
    template = dict(json.loads(body) if isinstance(body, str) else body)
    return StackTemplate(name=name, region=clients.region, template=template)
