"""The stacks of a stage as they are deployed, each in its own region. Reads only."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial

from botocore.exceptions import BotoCoreError, ClientError

from cli.clients import Clients, StackDescription, find_stack, missing_table
from cli.errors import OpsError, explain
from ops.review.stage_review import ReviewedStack, is_same
from ops.template import Stacks, StackTemplate, kept_points

# Clients for a region; None is that of the environment or of the profile.
Place = Callable[[str | None], Clients]


@dataclass(frozen=True, kw_only=True)
class _Look:
    """What was found for one stack, and where; or why the lookup was ``refused``."""

    found: StackTemplate | None = None
    account: str = ""
    where: str = ""
    refused: str = ""
    missing: str = ""


def compared(stacks: Stacks, place: Place) -> tuple[str, tuple[ReviewedStack, ...]]:
    """What the stacks are compared with, in words, and each of them with what is deployed.

    A stack that is not deployed is new, unless none of the stage's is: then there is nothing to
    compare with. After the stage's own come the stacks to whose vaults deployed plans copy and
    which the stage no longer has.
    """
    looks = [_look(place, one.region, partial(find_stack, name=one.name)) for one in stacks]
    deployed = [look for look in looks if look.found]
    found = []
    for one, look in zip(stacks, looks, strict=True):
        # Where the credentials found it is where it would be deployed again.
        new = replace(one, region=look.found.region) if look.found else one
        unknown = look.refused or ("" if deployed else f"stack {one.name} is not deployed in {look.where}")
        found.append(ReviewedStack(old=look.found, new=new, unknown=unknown, missing=look.missing))
    if not deployed:
        return found[0].unknown, tuple(found)
    found += _no_longer([look.found for look in deployed if look.found], stacks, place)
    if len(found) == 1:
        return f"the deployed stack {stacks[0].name} in {looks[0].where}", tuple(found)
    return f"what is deployed in account {deployed[0].account}", tuple(found)


def _look(place: Place, region: str | None, find: Callable[[Clients], StackDescription | None]) -> _Look:
    """Look in one region; missing credentials are not an error, because a review needs no account."""
    try:
        with closing(place(region)) as clients:
            identity = clients.identity()
            where = f"account {identity.account}, region {identity.region}"
            stack = find(clients)
            if stack is None:
                return _Look(account=identity.account, where=where)
            answer = clients("cloudformation").get_template(StackName=stack.name, TemplateStage="Original")
            template = StackTemplate(name=stack.name, region=identity.region, template=answer["TemplateBody"])
            return _Look(found=template, account=identity.account, where=where, missing=missing_table(clients, stack))
    except (ClientError, BotoCoreError, OpsError) as error:
        reason = str(error) if isinstance(error, OpsError) else explain(error)
        return _Look(refused=f"{reason}; or compare with a git revision: --base REVISION")


def _no_longer(deployed: list[StackTemplate], stacks: Stacks, place: Place) -> Iterator[ReviewedStack]:
    """The stacks of the vaults that deployed plans copy to, less those of ``stacks``."""
    known = {
        (one.region, str(vault.get("BackupVaultName")))
        for one in (*deployed, *stacks)
        for vault in one.properties_of("AWS::Backup::BackupVault")
    }
    copies = {(points.region, points.vault) for one in deployed for points in kept_points(one) if points.vault}
    for region, vault in sorted(copies - known):
        look = _look(place, region, partial(_with_vault, vault=vault))
        if look.refused:
            unseen = StackTemplate(name=f"the stack of vault {vault}", region=region, template={})
            yield ReviewedStack(old=unseen, new=None, unknown=look.refused)
        elif look.found and not any(is_same(look.found, one) for one in stacks):
            yield ReviewedStack(old=look.found, new=None)


def _with_vault(clients: Clients, *, vault: str) -> StackDescription | None:
    """The stack in the region that names the vault in its outputs."""
    for page in clients("cloudformation").get_paginator("describe_stacks").paginate():
        for found in page["Stacks"]:
            outputs = {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", [])}
            if outputs.get("BackupVaultName") == vault:
                return find_stack(clients, found["StackName"])
    return None
