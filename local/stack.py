"""The commands that bring the stack up on an AWS, as a person would type them."""

import json
from collections.abc import Mapping
from pathlib import Path

from local.steps import Steps


def bootstrap(steps: Steps, environment: Mapping[str, str], folder: Path) -> None:
    """``cdk bootstrap``: the bucket and the roles that deployments use."""
    with steps.step("bootstrap") as said:
        # Outside the app's folder, so that the CLI need not synthesize the app for it.
        region = environment["AWS_REGION"]
        steps.run(["cdk", "bootstrap", f"aws://{_ACCOUNT}/{region}"],
                  environment=environment, cwd=folder)  # fmt: skip
        said.append(f"account {_ACCOUNT}, region {region}")


def deploy(steps: Steps, environment: Mapping[str, str], folder: Path, stage: str) -> None:
    """``cdk deploy``; its assembly stays in ``folder``/cdk.out for the destroy."""
    with steps.step("deploy") as said:
        outputs = folder / "outputs.json"
        steps.run(["cdk", "-c", f"stage={stage}", "deploy", "-o", str(folder / "cdk.out"),
                   "--require-approval", "never", "--outputs-file", str(outputs)],
                  environment=environment)  # fmt: skip
        ((name, values),) = json.loads(outputs.read_text()).items()
        said.append(f"{name}: table {values['TableName']}, vault {values['BackupVaultName']}, "
                    f"{values['SeededCount']} messages seeded")  # fmt: skip


def history(
    steps: Steps, environment: Mapping[str, str], stage: str, conversation: str
) -> list[str]:
    """What ``python -m chat history`` prints."""
    return steps.run(_chat("history", conversation, stage), environment=environment).splitlines()


def send(
    steps: Steps, environment: Mapping[str, str], stage: str, *, sender: str, to: str, body: str
) -> None:
    """``python -m chat send``."""
    command = _chat("send", body, stage, "--from", sender, "--to", to)
    steps.run(command, environment=environment)


def last_messages(
    steps: Steps, environment: Mapping[str, str], stage: str, user: str
) -> dict[str, str]:
    """What ``python -m chat conversations`` lists: the last message with each other user."""
    listed = steps.run(_chat("conversations", user, stage, "--json"), environment=environment)
    return {row["OtherUser"]: row["LastMessageBody"] for row in json.loads(listed)}


def _chat(command: str, argument: str, stage: str, *more: str) -> list[str]:
    return ["python", "-m", "chat", command, argument, "--stage", stage, *more]


_ACCOUNT = "000000000000"  # the engine's
