"""The messages that a deployment writes to the table."""
