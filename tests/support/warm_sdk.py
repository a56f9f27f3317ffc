"""Imported by the servers that fork commands: has read what their clients need, which is most of a start."""

import boto3

from embedded_aws.tests.support.engine import read_descriptions_once

read_descriptions_once()
for _service in ("backup", "cloudformation", "dynamodb", "iam", "kms", "logs", "resourcegroupstaggingapi", "sts"):
    boto3.Session("x", "x", region_name="us-east-1").client(_service)
