"""The commands that bring a stage up on an AWS, as a person would type them."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from local.steps import Steps
from model.messages import SORT_KEY, Item
from model.names import stack_name

# A dataset of some million messages is loaded in it.
DEPLOY_SECONDS = 3600
_BOOTSTRAPPED = re.compile(r"Environment aws://(\d+)/(\S+) bootstrapped")


def context(stage: str, settings: Sequence[str] = ()) -> list[str]:
    """The options of the CDK CLI that choose ``stage`` and its settings (``key=value``)."""
    return [part for setting in (f"stage={stage}", *settings) for part in ("-c", setting)]


def bootstrap(
    steps: Steps, environment: Mapping[str, str], folder: Path, stage: str, settings: Sequence[str] = ()
) -> None:
    """``cdk bootstrap``: the bucket and the roles that deployments use, in each of its regions.

    The stage's assembly stays in ``folder``/cdk.out, for what comes after.
    """
    with steps.step("bootstrap") as said:
        output = steps.run(
            ["cdk", *context(stage, settings), "-o", str(folder / "cdk.out"), "bootstrap"], environment=environment
        )
        found = sorted(set(_BOOTSTRAPPED.findall(output)))
        regions = ", ".join(region for _, region in found)
        said.append(f"account {found[0][0]}, region{'s' if len(found) > 1 else ''} {regions}")


def deploy(steps: Steps, environment: Mapping[str, str], folder: Path, stage: str) -> dict[str, str]:
    """``cdk deploy`` of the assembly in ``folder``; the outputs of the stage's own stack."""
    with steps.step("deploy") as said:
        file = folder / "outputs.json"
        steps.run(
            [
                "cdk",
                "-a",
                str(folder / "cdk.out"),
                "deploy",
                "--all",
                "--require-approval",
                "never",
                "--outputs-file",
                str(file),
            ],
            environment=environment,
            seconds=DEPLOY_SECONDS,
        )
        outputs = json.loads(file.read_text())
        name = stack_name(stage)
        own: dict[str, str] = outputs.pop(name)
        said.append(
            f"{name}: table {own['TableName']}, vault {own['BackupVaultName']}, {own['SeededCount']} messages seeded"
        )
        said += [f"{copies}: vault {found['BackupVaultName']}" for copies, found in outputs.items()]
    return own


def last_seeded(steps: Steps, environment: Mapping[str, str]) -> Item | None:
    """The message of the seed file that was sent last; None for a file without messages."""
    lines = steps.run(["python", "-m", "seed", "--json"], environment=environment).splitlines()
    return max(map(json.loads, lines), key=sent_order, default=None)


def sent_order(message: Item) -> str:
    """What orders messages of different conversations by their time."""
    return str(message[SORT_KEY])


def history(steps: Steps, environment: Mapping[str, str], stage: str, conversation: str) -> list[str]:
    """What ``python -m chat history`` prints."""
    return steps.run(_chat("history", conversation, stage), environment=environment).splitlines()


def send(steps: Steps, environment: Mapping[str, str], stage: str, *, sender: str, to: str, body: str) -> Item:
    """``python -m chat send``; the message that it sent."""
    command = _chat("send", body, stage, f"--from={sender}", f"--to={to}", "--json")
    sent: Item = json.loads(steps.run(command, environment=environment))
    return sent


def conversations(steps: Steps, environment: Mapping[str, str], stage: str, user: str) -> list[dict[str, str]]:
    """What ``python -m chat conversations`` lists, the latest first."""
    listed = steps.run(_chat("conversations", user, stage, "--json"), environment=environment)
    rows: list[dict[str, str]] = json.loads(listed)
    return rows


def _chat(command: str, argument: str, stage: str, *options: str) -> list[str]:
    return ["python", "-m", "chat", command, "--stage", stage, *options, "--", argument]
