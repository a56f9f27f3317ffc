"""A Lambda function made of a few of this project's modules, and a custom resource around one or two."""

import ast
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from aws_cdk import CfnResource, CustomResource, Duration, IgnoreMode, RemovalPolicy, Size, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import custom_resources as cr
from constructs import Construct

from stacks.annotations import (
    FUNCTION,
    LOG_KEY,
    LOG_RETENTION,
    acknowledge_all,
    acknowledge_called,
    acknowledge_framework,
    acknowledge_own_policy,
    describe,
)
from stacks.grants import Allow, permit
from stacks.pipeline.preview_limits import state_machine_name
from stacks.setting_fields import PROJECT

# A part of the code's hash: the CDK's own has no modes, and would keep a package that Lambda cannot read.
_STAGING = "files 0644, folders 0755"
# CloudFormation waits an hour for a custom resource, and no longer.
_PROVIDER_TIMEOUT = Duration.minutes(58)


class ProjectFunction(Construct):
    """A function whose asset is the module of ``handler`` and what that imports of this project, at the same paths."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        description: str,
        handler: str,
        minutes: int,
        memory_mib: int = 256,
        storage_mib: int | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        group = _logs_of_functions(scope)
        super().__init__(scope, id)
        self.logs = group
        files = module_files(f"functions.{handler.rpartition('.')[0]}")
        self.role = _logging_role(self, "Role", self.logs)
        self.function = lambda_.Function(
            self,
            "Function",
            description=description,
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.ARM_64,
            handler=f"functions.{handler}",
            code=lambda_.Code.from_asset(
                str(PROJECT), asset_hash=_code_hash(files), exclude=_all_but(files), ignore_mode=IgnoreMode.GIT
            ),
            memory_size=memory_mib,
            ephemeral_storage_size=Size.mebibytes(storage_mib) if storage_mib else None,
            timeout=Duration.minutes(minutes),
            environment=environment,
            log_group=self.logs,
            role=self.role,
        )
        acknowledge_all(self.function, FUNCTION)


def custom_resource(
    scope: Construct,
    type: str,
    properties: Mapping[str, object],
    *,
    on_event: ProjectFunction,
    is_complete: ProjectFunction | None = None,
    interval: Duration | None = None,
) -> CustomResource:
    """A custom resource behind the CDK provider framework.

    With ``is_complete``, ``on_event`` only starts the work, and ``is_complete``, called every
    ``interval``, says when it is done. The framework's functions have narrow roles, passed on
    ``without_policy_updates``, or the library would grant every version of every function
    (https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.custom_resources-readme.html).
    """
    waiting: dict[str, Any] = {}
    owner = scope.node.id
    if is_complete:
        scope = Construct(scope, "Provider")
        waiting = {
            "is_complete_handler": is_complete.function,
            "framework_complete_and_timeout_role": _framework_role(
                scope, "IsCompleteRole", is_complete
            ).without_policy_updates(),
            "query_interval": interval,
            "total_timeout": _PROVIDER_TIMEOUT,
            "disable_waiter_state_machine_logging": True,
        }
    starting = _framework_role(scope, "OnEventRole" if is_complete else "ProviderRole", on_event)
    provider = cr.Provider(
        scope,
        "Provider",
        on_event_handler=on_event.function,
        log_group=on_event.logs,
        framework_on_event_role=starting.without_policy_updates(),
        **waiting,
    )
    if is_complete:
        _adapt_waiter(provider, starting, f"{owner}-Waiter")
    acknowledge_framework(provider)
    return CustomResource(
        scope,
        "Resource",
        resource_type=f"Custom::{type}",
        service_token=provider.service_token,
        properties=dict(properties),
    )


def _framework_role(scope: Construct, id: str, called: ProjectFunction) -> iam.Role:
    """A role for a function of the framework; it reads the state of ``called``, which may be inactive."""
    acknowledge_called(called.function, "The provider framework")
    role = _logging_role(scope, id, called.logs)
    permit(role, Allow(called.function.function_arn, "lambda:InvokeFunction", "lambda:GetFunction"))
    return role


def _adapt_waiter(provider: cr.Provider, starting: iam.Role, purpose: str) -> None:
    """Name the state machine where CloudFormation's name will not do; let it call two functions, and no versions.

    The library has no parameter for either, so this changes its resources, found by the library's ids.
    """
    waiter = provider.node.find_child("waiter-state-machine")
    assert isinstance(waiter, cr.WaiterStateMachine)
    waiter.grant_start_execution(starting)
    if name := state_machine_name(waiter, purpose):
        machine = waiter.node.find_child("Resource")
        assert isinstance(machine, CfnResource)
        machine.add_property_override("StateMachineName", name)
    policy = waiter.node.find_child("Role").node.find_child("DefaultPolicy").node.default_child
    assert isinstance(policy, iam.CfnPolicy)
    functions = [provider.node.find_child(f"framework-{use}") for use in ("isComplete", "onTimeout")]
    arns = [function.function_arn for function in functions if isinstance(function, lambda_.Function)]
    policy.policy_document = iam.PolicyDocument(statements=[Allow(arns, "lambda:InvokeFunction")])


class CodeError(Exception):
    """A file of a function does not exist or is not Python."""


def module_files(module: str) -> list[str]:
    """The files that ``module`` needs, itself included; read from import statements, so nothing is loaded.

    Raises CodeError.
    """
    own = f"{module.replace('.', '/')}.py"
    if not (PROJECT / own).is_file():
        raise CodeError(f"{own} does not exist; a function of the stack runs it")
    found: set[str] = set()
    pending = [module]
    while pending:
        path = pending.pop().replace(".", "/")
        for file in (f"{path.partition('/')[0]}/__init__.py", f"{path}.py"):
            if file not in found and (PROJECT / file).is_file():
                found.add(file)
                pending += _imported(PROJECT / file)
    return sorted(found)


@cache
def _imported(file: Path) -> list[str]:
    """The modules that ``file`` imports with ``from X import Y``, which may name the module X, and X.Y."""
    try:
        parsed = ast.parse(file.read_bytes())
    except SyntaxError as error:
        raise CodeError(f"{file.relative_to(PROJECT)}:{error.lineno}: {error.msg}") from None
    names = []
    for node in ast.walk(parsed):
        if isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return names


def let_lambda_read(assembly: Path) -> None:
    """Make the code staged in the folder ``assembly`` readable by every user, as Lambda needs it, under any umask.

    The CDK keeps the modes of files (https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-deployment.html).
    """
    for staged in assembly.glob("asset.*/"):
        for path in (staged, *staged.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)


def _logs_of_functions(scope: Construct) -> logs.LogGroup:
    """The one log group of the functions of ``scope``; it keeps logs for a month and is deleted with the stack."""
    existing = scope.node.try_find_child("Logs")
    if isinstance(existing, logs.LogGroup):
        return existing
    group = logs.LogGroup(scope, "Logs", retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY)
    accepted = {
        LOG_KEY: "CloudWatch Logs encrypts it; it has ids of messages, and no texts but the seed's.",
        LOG_RETENTION: "A month is enough to find failures, and logs name users; CloudTrail records who did what.",
    }
    acknowledge_all(group, accepted)
    describe(group, f"Logs of the functions of {scope.node.id}")
    return group


def _logging_role(scope: Construct, id: str, log_group: logs.ILogGroup) -> iam.Role:
    """A Lambda role that may write to ``log_group``.

    With the managed AWSLambdaBasicExecutionRole, a function that logs while the stack is being
    deleted creates its log group again, which stays (https://github.com/aws/aws-cdk/issues/26553).
    """
    role = iam.Role(
        scope,
        id,
        description=f"Permissions of the function {scope.node.id} of {Stack.of(scope).stack_name}",
        assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
    )
    log_group.grant_write(role)
    acknowledge_own_policy(role)
    return role


def _all_but(files: Sequence[str]) -> list[str]:
    """Exclusions that leave ``files`` only; folders on the way are opened one by one."""
    patterns = ["/*"]
    for folder in sorted({Path(file).parent for file in files}):
        patterns += [f"!/{folder}/", f"/{folder}/*"]
    return patterns + [f"!/{file}" for file in files]


def _code_hash(files: Sequence[str]) -> str:
    digest = hashlib.sha256(_STAGING.encode())
    for file in sorted(files):
        content = (PROJECT / file).read_bytes()
        digest.update(f"\n{file} {len(content)}\n".encode() + content)
    return digest.hexdigest()
