"""Event source mappings of DynamoDB streams: how Lambda reads a stream, retries and discards.

Sources: Lambda Developer Guide, "Process DynamoDB records with Lambda" (services-ddb-params,
services-ddb-batchfailurereporting, services-dynamodb-errors, services-dynamodb-eventsourcemapping
under https://docs.aws.amazon.com/lambda/latest/dg/). ``snapshots`` in this package are what LocalStack's tests
recorded on AWS; embedded_aws/tests/support/recorded.py says which, and where they are.
"""
