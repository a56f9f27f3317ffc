"""DynamoDB as every part uses it: values, conditional writes, retries, parallel reading."""
