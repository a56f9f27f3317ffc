"""Additions to the engine's DynamoDB: deletion protection, PITR, backups, exports and error texts as on AWS.

``ACK`` in this package is docs/api-quirks of aws-controllers-k8s/dynamodb-controller, whose
authors measured each quirk on AWS; ``model`` is botocore's data/dynamodb/2012-08-10.
"""
