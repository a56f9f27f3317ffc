"""What is written to the Messages table by a deployment."""
