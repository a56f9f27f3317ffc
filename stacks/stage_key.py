"""The KMS key of a stage with the setting ``customer_key``, and the suffix of names that outlive a stack."""

from aws_cdk import Fn, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct


class StageKey(Construct):
    """A rotated key; ``kept`` if a table or backups outlive the stack, which are unreadable without it."""

    def __init__(self, scope: Construct, id: str, *, kept: bool) -> None:
        super().__init__(scope, id)
        removal = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if kept else RemovalPolicy.DESTROY
        stack = Stack.of(self)
        self.key = kms.Key(
            self,
            "Key",
            description=f"Encrypts the table and the backups of {stack.stack_name}",
            enable_key_rotation=True,
            removal_policy=removal,
        )
        # Only AWS services, such as DynamoDB, may create grants on the key. Control Tower's CT.KMS.PR.3:
        # a grant made by hand would outlive the policy
        # (https://docs.aws.amazon.com/controltower/latest/controlreference/kms-rules.html).
        self.key.add_to_resource_policy(
            iam.PolicyStatement(
                sid="GrantsByServicesOnly",
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=["kms:CreateGrant"],
                resources=["*"],
                conditions={
                    "BoolIfExists": {"kms:GrantIsForAWSResource": "false", "aws:PrincipalIsAWSService": "false"}
                },
            )
        )
        # Kept too: it is how the clean-up finds the key without reading every key's tags.
        kms.Alias(
            self,
            "Alias",
            alias_name=f"alias/{stack.stack_name}-{stack_suffix(self)}",
            target_key=self.key,
            removal_policy=removal,
        )


def stack_suffix(scope: Construct) -> str:
    """Eight hex digits of the stack's id (a token): they differ with every creation of the stack.

    What outlives a destroy has them in its name, so that the next deployment can have another.
    """
    unique = Fn.select(2, Fn.split("/", Stack.of(scope).stack_id))
    return Fn.select(0, Fn.split("-", unique))
