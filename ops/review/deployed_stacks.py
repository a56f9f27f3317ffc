"""The stacks of a stage as they are deployed, each in its own region. Reads only."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial

from botocore.exceptions import BotoCoreError, ClientError

from cli.clients import Clients, StackDescription, find_stack, missing_table
from cli.errors import OpsError, explain
from ops.review.stage_review import ReviewedStack, is_same
from ops.template import Stacks, StackTemplate, kept_points

# Clients for a region; None is that of the environment or of the profile.
Place = Callable[[str | None], Clients]


def compared(stacks: Stacks, place: Place) -> tuple[str, tuple[ReviewedStack, ...]]:
    """What the stacks are compared with, in words, and each of them with what is deployed.

    A stack that is not deployed is new, unless none of the stage's is: then there is nothing to compare with. After the
    stage's own come the stacks to whose vaults deployed plans copy and which the stage no longer has.
    """
    looks = [_look(place, one.region, partial(find_stack, name=one.name)) for one in stacks]
    deployed = [(look.old, where) for look, where in looks if look.old]
    found = []
    for one, (look, where) in zip(stacks, looks, strict=True):
        # Where the credentials found it is where it would be deployed again.
        new = replace(one, region=look.old.region) if look.old else one
        unknown = look.unknown or ("" if deployed else f"stack {one.name} is not deployed in {where}")
        found.append(replace(look, new=new, unknown=unknown))
    if not deployed:
        return found[0].unknown, tuple(found)
    found += _no_longer([old for old, _ in deployed], stacks, place)
    where = deployed[0][1]
    if len(found) == 1:
        return f"the deployed stack {stacks[0].name} in {where}", tuple(found)
    return f"what is deployed in {where.partition(',')[0]}", tuple(found)


def _look(
    place: Place, region: str | None, find: Callable[[Clients], StackDescription | None]
) -> tuple[ReviewedStack, str]:
    """What is deployed in one region, and where; a refusal is not an error, because a review needs no account."""
    try:
        with closing(place(region)) as clients:
            account, stack = clients.account(), find(clients)
            where = f"account {account}, region {clients.region}"
            if stack is None or stack.status == "REVIEW_IN_PROGRESS":  # a plan alone
                return ReviewedStack(), where
            answer = clients("cloudformation").get_template(StackName=stack.name, TemplateStage="Original")
            old = StackTemplate(name=stack.name, region=clients.region, template=answer["TemplateBody"])
            return ReviewedStack(old=old, missing=missing_table(clients, stack)), where
    except (ClientError, BotoCoreError, OpsError) as error:
        return ReviewedStack(unknown=f"{explain(error)}; or compare with a git revision: --base REVISION"), ""


def _no_longer(deployed: list[StackTemplate], stacks: Stacks, place: Place) -> Iterator[ReviewedStack]:
    """The stacks of the vaults that deployed plans copy to, less those of ``stacks``."""
    known = {
        (one.region, str(vault.get("BackupVaultName")))
        for one in (*deployed, *stacks)
        for vault in one.properties_of("AWS::Backup::BackupVault")
    }
    copies = {(points.region, points.vault) for one in deployed for points in kept_points(one) if points.vault}
    for region, vault in sorted(copies - known):
        look, _ = _look(place, region, partial(_with_vault, vault=vault))
        if look.unknown:
            yield replace(look, old=StackTemplate(name=f"the stack of vault {vault}", region=region, template={}))
        elif look.old and not any(is_same(look.old, one) for one in stacks):
            yield replace(look, missing="")


def _with_vault(clients: Clients, *, vault: str) -> StackDescription | None:
    """The stack in the region that names the vault in its outputs."""
    for page in clients("cloudformation").get_paginator("describe_stacks").paginate():
        for found in page["Stacks"]:
            outputs = {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", [])}
            if outputs.get("BackupVaultName") == vault:
                return find_stack(clients, found["StackName"])
    return None
