"""AWS Backup for DynamoDB tables: jobs that take time, recovery points that hold the items.

Tags of the sources named in this package: ``model`` is botocore's data/backup/2018-11-15; ``guide`` the AWS Backup
developer guide; ``TF`` hashicorp/terraform-provider-aws, internal/service/backup; ``NUKE``
gruntwork-io/cloud-nuke#730 and ``DEL`` go-to-k/delstack#370, which quote AWS's answers.
"""
