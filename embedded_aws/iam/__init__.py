"""Additions to the engine's IAM.

Resources and roles of AWS Backup, a role's limits, tags given on creation, roles passed to services, condition keys,
patterns of ARNs, variables.
"""
