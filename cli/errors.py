"""Errors, each in one line that says what to do."""

from botocore import exceptions as sdk
from botocore.exceptions import BotoCoreError, ClientError

from dynamo.parallel import THROTTLED

ACCESS_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_UNKNOWN_KEY = frozenset(
    "InvalidClientTokenId UnrecognizedClientException SignatureDoesNotMatch InvalidSignatureException "
    "AuthFailure IncompleteSignature".split()
)
_LOG_IN = "{}; log in again with `aws sso login`"
_NETWORK = "{}; check the network, --region and AWS_ENDPOINT_URL"
_NO_CREDENTIALS = "no AWS credentials ({}); log in, or name a profile with --profile"
_REMEDIES = {
    sdk.NoCredentialsError: _NO_CREDENTIALS,
    sdk.PartialCredentialsError: _NO_CREDENTIALS,
    sdk.NoRegionError: "no AWS region is set; name one with --region or AWS_REGION",
    sdk.ProfileNotFound: "{}; `aws configure list-profiles` lists the existing ones",
    sdk.EndpointConnectionError: _NETWORK,
    sdk.ConnectTimeoutError: _NETWORK,
    sdk.SSLError: "{}; check AWS_CA_BUNDLE",
    sdk.TokenRetrievalError: _LOG_IN,
    sdk.SSOTokenLoadError: _LOG_IN,
    sdk.UnauthorizedSSOTokenError: _LOG_IN,
}


class OpsError(Exception):
    """Something failed; the text names the value, the rule and the remedy."""


class UsageError(OpsError):
    """The command line, or a setting that it depends on, is wrong: exit status 2."""


def code(error: ClientError) -> str:
    """The error code that AWS returned, for example ``AccessDeniedException``."""
    return str(error.response.get("Error", {}).get("Code", ""))


def message(error: ClientError) -> str:
    """The error message that AWS returned, on one line."""
    return _one_line(error.response.get("Error", {}).get("Message") or code(error))


def is_denied(error: ClientError) -> bool:
    """Whether AWS refused for lack of permission."""
    return code(error) in ACCESS_DENIED


def explain(error: Exception) -> str:
    """What happened and what to do about it, in one line; an error of this project says so itself."""
    if isinstance(error, ClientError):
        return f"{error.operation_name}: {code(error)}: {message(error)}{_remedy(error)}"
    for kind, text in _REMEDIES.items():
        if isinstance(error, kind):
            return text.format(_one_line(error))
    return f"{type(error).__name__}: {_one_line(error)}" if isinstance(error, BotoCoreError) else str(error)


def _remedy(error: ClientError) -> str:
    """What to do about AWS's refusal, after a semicolon; empty where that is unknown."""
    if code(error) in _EXPIRED:
        return "; the credentials have expired: log in again"
    if code(error) in _UNKNOWN_KEY:
        return "; the credentials are not valid: check --profile and the AWS_* variables"
    if code(error) in THROTTLED:
        attempts = error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0) + 1
        return f"; throttled by AWS ({attempts} attempts): try again later, or raise the quota"
    if code(error).startswith("KMS") or "KMS key" in message(error):
        return "; the KMS key must be enabled, and the caller needs permission to use it"
    return f"; the caller needs permission for {error.operation_name}" if is_denied(error) else ""


def _one_line(what: object) -> str:
    return " ".join(str(what).split())
