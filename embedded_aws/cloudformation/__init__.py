"""CloudFormation resources that the engine lacks, or makes by going round the service's checks.

A handler that raises becomes CREATE_FAILED or DELETE_FAILED with its text as the reason, and what
failed to be created is not deleted by the rollback, so another owner's resource is safe.
"""

from embedded_aws.deferred import defer

# The engine's CloudFormation imports all services, and this one makes an RSA key: a tenth of the server's start.
defer("ministack.services.cognito")
