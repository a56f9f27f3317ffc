"""Which error codes mean that AWS refused a request because there were too many."""

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html, and the list that
# the SDK retries (botocore.retries.standard). KMS: a table's own key has quotas of its own.
THROTTLED = frozenset(
    "KMSThrottlingException ProvisionedThroughputExceededException RequestLimitExceeded ThrottledException "
    "Throttling ThrottlingException TooManyRequestsException".split()
)
