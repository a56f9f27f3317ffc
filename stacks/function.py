"""A Python Lambda function made of a few of this project's modules."""

import ast
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from aws_cdk import Duration, IgnoreMode, RemovalPolicy, Size, Stack, Stage
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from stacks.description import describe
from stacks.findings import LOG_KEY, LOG_RETENTION, acknowledge
from stacks.shared_findings import acknowledge_function, acknowledge_own_policy

PROJECT = Path(__file__).resolve().parent.parent
# How code is staged, as a part of its hash: the CDK's own is of names and content, so a package
# that was uploaded with modes that Lambda cannot read would be used again.
_STAGING = "files 0644, folders 0755"


class ProjectFunction(Construct):
    """A function whose asset has the module of ``handler`` and what that imports of this project.

    Files keep their paths, so the module that a test imports is the one that runs.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        description: str,
        handler: str,
        log_group: logs.ILogGroup,
        timeout: Duration,
        memory_mib: int = 256,
        storage_mib: int | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(scope, id)
        files = module_files(handler.rpartition(".")[0])
        self.role = logging_role(self, "Role", log_group=log_group)
        self.function = lambda_.Function(
            self,
            "Function",
            description=description,
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.ARM_64,
            handler=handler,
            code=lambda_.Code.from_asset(
                str(PROJECT), asset_hash=_code_hash(files), exclude=_all_but(files), ignore_mode=IgnoreMode.GIT
            ),
            memory_size=memory_mib,
            ephemeral_storage_size=Size.mebibytes(storage_mib) if storage_mib else None,
            timeout=timeout,
            environment=environment,
            log_group=log_group,
            role=self.role,
        )
        let_lambda_read(self)
        acknowledge_function(self.function)


def module_files(module: str) -> list[str]:
    """The files of this project that ``module`` needs, itself included, relative to the project.

    Read from the import statements, so that nothing is loaded at synth.
    """
    found: set[str] = set()
    pending = [module]
    while pending:
        path = pending.pop().replace(".", "/")
        for file in (f"{path.partition('/')[0]}/__init__.py", f"{path}.py"):
            if file not in found and (PROJECT / file).is_file():
                found.add(file)
                pending += _imported(ast.parse((PROJECT / file).read_bytes()))
    return sorted(found)


def _imported(tree: ast.Module) -> list[str]:
    """The modules that ``from X import Y`` may name: X, and X.Y."""
    return [
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for name in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))
    ]


def let_lambda_read(scope: Construct) -> None:
    """Make the staged code of the functions in ``scope`` readable by everybody, as Lambda needs it.

    The CDK copies and packs files with the modes that they have, which under a umask of 077 are
    their owner's alone
    (https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-deployment.html).
    """
    stage = Stage.of(scope)
    assert stage, "every scope is in an app"
    assembly = Path(stage.outdir)
    for child in scope.node.children:
        code = child.node.try_find_child("Code")
        # With `cdk synth --no-staging` it is the project itself.
        if isinstance(code, s3_assets.Asset) and not Path(code.asset_path).is_absolute():
            staged = assembly / code.asset_path
            for path in (staged, *staged.rglob("*")):
                path.chmod(0o755 if path.is_dir() else 0o644)


def function_logs(scope: Construct, id: str) -> logs.LogGroup:
    """A log group that is kept a month and goes with the stack."""
    group = logs.LogGroup(scope, id, retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY)
    acknowledge(
        group,
        LOG_KEY,
        "CloudWatch Logs encrypts it with a key of its own; of messages it has ids, and no texts "
        "but those of the seed, which the template has too.",
    )
    acknowledge(
        group,
        LOG_RETENTION,
        "A month is enough to find what failed, and it names users, so it is kept no longer; who "
        "did what in the account is what CloudTrail tells.",
    )
    describe(group, f"Logs of the functions of {scope.node.id}")
    return group


def logging_role(scope: Construct, id: str, *, log_group: logs.ILogGroup) -> iam.Role:
    """A Lambda role that may write to ``log_group`` and cannot create one.

    The managed AWSLambdaBasicExecutionRole can: a function that logs while the
    stack is being deleted then brings its log group back, for good
    (https://github.com/aws/aws-cdk/issues/26553).
    """
    role = iam.Role(
        scope,
        id,
        description=f"What the function {scope.node.id} of {Stack.of(scope).stack_name} may do",
        assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
    )
    log_group.grant_write(role)
    acknowledge_own_policy(role)
    return role


def framework_role(scope: Construct, id: str, *, calls: lambda_.IFunction, log_group: logs.ILogGroup) -> iam.Role:
    """A role for a function of the CDK's provider framework that ``calls`` one of this project's.

    To be given away without policy updates: the library would grant every
    version of every function of the provider. It asks for the function's state
    when a call fails, which may be because it is not active yet.
    """
    role = logging_role(scope, id, log_group=log_group)
    role.add_to_policy(
        iam.PolicyStatement(actions=["lambda:InvokeFunction", "lambda:GetFunction"], resources=[calls.function_arn])
    )
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
