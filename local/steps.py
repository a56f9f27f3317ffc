"""The steps of `make demo`, `make up` and `make pictures`: the user's own commands, a line each."""

import contextlib
import json
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from embedded_aws.environment import PROJECT
from embedded_aws.process import Running, end, find, kill_group
from model.messages import SORT_KEY, Item
from model.names import stack_name

# A step that takes longer has hung.
STEP_SECONDS = 600
# A dataset of some million messages is loaded during a deployment.
DEPLOY_SECONDS = 3600
_LAST_WORDS_SECONDS = 5
_WIDTH = 12
_LINES_SHOWN = 15
_DEPLOY = "deploy --all --require-approval never --outputs-file"
# Without a change set, which nobody would look at here: to make one, the CDK CLI reads all resource types of AWS.
_DIRECT = "--method", "direct"
# `make check` does both: it validates the templates, and checks the types of what the CDK is given (jsii still refuses
# wrong ones, in more words). Python compiles the CDK's modules once more for it.
UNCHECKED = {"CDK_VALIDATION": "false", "PYTHONOPTIMIZE": "1"}
_OWN_ERROR = re.compile(r"^error: (.+)", re.MULTILINE)
_BOOTSTRAPPED = re.compile(r"Environment aws://(\d+)/(\S+) bootstrapped")


class StepFailed(Exception):
    """A command failed; the text names it, the reason, and the file with its output. ``word`` is shown for the step."""

    word = "failed"


class NotBootstrapped(StepFailed):
    """A deployment found a region that is not bootstrapped; nothing was deployed to it."""

    word = "not bootstrapped yet"


class Steps:
    """Prints the steps of a run and keeps what their commands print in ``log``."""

    def __init__(self, log: Path) -> None:
        """Raises StepFailed when ``log`` cannot be written."""
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            log.write_text("")
        except OSError as error:
            raise StepFailed(f"{log}: {error.strerror}; name another folder") from None
        self._log, self._number = log, 0
        self._begun = time.monotonic()

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[list[str]]:
        """One step: what its body appends to the list is printed, with the time it took."""
        self._number += 1
        print(f"{self._number:2}  {name:{_WIDTH}}", end="", flush=True)
        begun, said = time.monotonic(), list[str]()
        try:
            yield said
        except BaseException as error:  # raised again: only the line is to be finished
            print(
                "interrupted" if isinstance(error, KeyboardInterrupt) else getattr(error, "word", "failed"), flush=True
            )
            raise
        first, *more = said or ["done"]
        print(f"{first}  ({time.monotonic() - begun:.1f} s)", flush=True)
        for line in more:
            print(f"    {'':{_WIDTH}}{line}", flush=True)

    def run(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        cwd: Path = PROJECT,
        seconds: float = STEP_SECONDS,
    ) -> str:
        """The standard output of ``command``; raises as ``run_all``."""
        (output,) = self.run_all([command], environment=environment, cwd=cwd, seconds=seconds)
        return output

    def run_all(
        self,
        commands: Sequence[Sequence[str]],
        *,
        environment: Mapping[str, str],
        cwd: Path = PROJECT,
        seconds: float = STEP_SECONDS,
    ) -> list[str]:
        """The standard outputs of ``commands``, which run at the same time.

        Raises StepFailed when the status of one is not 0 or it takes longer than
        ``seconds``. Each has a process group of its own, which is killed at the end: an
        interrupt leaves neither the CDK CLI nor the app that it started running.
        """
        with contextlib.ExitStack() as groups:
            processes = []
            for command in commands:
                processes.append(_started(command, environment, cwd))
                groups.callback(end, processes[-1])
            return [self._output(*each, seconds) for each in zip(commands, processes, strict=True)]

    def _output(self, command: Sequence[str], process: subprocess.Popen[str], seconds: float) -> str:
        output, errors, in_time = _communicate(process, seconds)
        shown = " ".join(command)
        with self._log.open("a", encoding="utf-8") as log:
            log.write(f"$ {shown}\n{output}{errors or ''}\n")
        if not in_time:
            raise StepFailed(f"`{shown}` did not end within {seconds:g} s and was stopped (all output: {self._log})")
        if process.returncode != 0:
            # The app says in one line what is wrong with a setting or the seed; what the CDK CLI adds is noise.
            if command[0] == "cdk" and (own := _OWN_ERROR.search(output)):
                raise StepFailed(own[1])
            last = (errors or output).strip().splitlines()[-_LINES_SHOWN:]
            raise StepFailed(
                "\n".join([f"`{shown}` ended with status {process.returncode}:", *last, f"(all output: {self._log})"])
            )
        return output

    @property
    def seconds(self) -> float:
        """Seconds since the first step."""
        return time.monotonic() - self._begun


def _started(command: Sequence[str], environment: Mapping[str, str], cwd: Path) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(
            command,
            cwd=cwd,
            env=dict(environment),
            encoding="utf-8",  # whatever the locale
            errors="replace",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            # The CDK CLI reports progress and errors on both streams.
            stderr=subprocess.STDOUT if command[0] == "cdk" else subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise StepFailed(f"cannot run `{command[0]}`: {error.strerror}; try `make setup`") from None


def _communicate(process: subprocess.Popen[str], seconds: float) -> tuple[str, str, bool]:
    """What ``process`` printed on both streams, and whether it ended in time."""
    try:
        return *process.communicate(timeout=seconds), True
    except subprocess.TimeoutExpired:
        kill_group(process.pid)
        # Without a limit, a process that left the group would be waited for.
        with contextlib.suppress(subprocess.TimeoutExpired):
            return *process.communicate(timeout=_LAST_WORDS_SECONDS), False
        return "", "", False


@contextlib.contextmanager
def depending_on(running: Running, state_dir: Path) -> Iterator[None]:
    """Report in one line that ``running`` has stopped, if a step of the block failed for that reason.

    The output of the step's command is in the log of the steps.
    """
    try:
        yield
    except StepFailed:
        if find(state_dir) == running:
            raise
        raise StepFailed(
            "the embedded AWS stopped during this step; run the same "
            f"command again (its log: {state_dir / 'server.log'})"
        ) from None


def interrupt_on_terminate() -> None:
    """Let SIGTERM and a closed terminal end the program as a Ctrl-C does: through its clean-up."""
    for signum in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, signal.default_int_handler)


def context(stage: str, settings: Sequence[str] = ()) -> list[str]:
    """The options of the CDK CLI that choose ``stage`` and its settings (``key=value``)."""
    return [part for setting in (f"stage={stage}", *settings) for part in ("-c", setting)]


def app(folder: Path, stage: str, settings: Sequence[str] = ()) -> list[str]:
    """The CDK CLI, which synthesizes ``stage`` and keeps the assembly in ``folder``."""
    return ["cdk", *context(stage, settings), "-o", str(folder / "cdk.out")]


def assembly(folder: Path) -> list[str]:
    """The CDK CLI with the assembly that ``app`` has kept in ``folder``."""
    return ["cdk", "-a", str(folder / "cdk.out")]


def bootstrap(run: Steps, environment: Mapping[str, str], cdk: Sequence[str]) -> None:
    """``cdk bootstrap``: the bucket and the roles that deployments use, in each region of the stage."""
    with run.step("bootstrap") as said:
        output = run.run([*cdk, "bootstrap"], environment={**environment, **UNCHECKED})
        found = sorted(set(_BOOTSTRAPPED.findall(output)))
        regions = ", ".join(region for _, region in found)
        said.append(f"account {found[0][0]}, region{'s' if len(found) > 1 else ''} {regions}")


def outputs_file(folder: Path, stage: str) -> Path:
    """Where ``deploy`` keeps the outputs of the stage's stacks, after one that succeeded."""
    return folder / f"outputs-{stage}.json"


def deploy(
    run: Steps, environment: Mapping[str, str], cdk: Sequence[str], folder: Path, stage: str, *, planned: bool = False
) -> dict[str, str]:
    """``cdk deploy``; the outputs of the stage's own stack. Raises NotBootstrapped.

    A stack that has a plan and nothing else yet, so that it may be ``planned``, cannot be created without a change set.
    """
    with run.step("deploy") as said:
        file = folder / "outputs.json"  # where a deployment fails, the CDK CLI empties it
        command = [*cdk, *_DEPLOY.split(), str(file), *(() if planned else _DIRECT)]
        try:
            run.run(command, environment={**environment, **UNCHECKED}, seconds=DEPLOY_SECONDS)
        except StepFailed as failed:
            if "Has the environment been bootstrapped?" in str(failed):
                raise NotBootstrapped(str(failed)) from None
            raise
        outputs = json.loads(file.replace(outputs_file(folder, stage)).read_text())
        name = stack_name(stage)
        own: dict[str, str] = outputs.pop(name)
        said.append(
            f"{name}: table {own['TableName']}, vault {own['BackupVaultName']}, {own['SeededCount']} messages seeded"
        )
        said += [f"{copies}: vault {found['BackupVaultName']}" for copies, found in outputs.items()]
    return own


def last_seeded(run: Steps, environment: Mapping[str, str]) -> Item | None:
    """The message of the seed file that was sent last; None for a file without messages."""
    lines = run.run(["python", "-m", "seed", "--json"], environment=environment).splitlines()
    return max(map(json.loads, lines), key=sent_order, default=None)


def sent_order(message: Item) -> str:
    """The sort key for messages of different conversations: their time."""
    return str(message[SORT_KEY])
