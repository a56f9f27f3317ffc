"""Everything that is replaced in ministack, one row for each function, and how it is installed.

The engine looks its functions up by name at each request, so replacing a module's attribute is enough. The modules
with the additions say which AWS behaviour each gives and where that is documented.
"""

import functools
import importlib
from collections.abc import Callable, Iterator
from typing import Any

from embedded_aws import answers, deliveries, forked_workers, lambda_functions, settings
from embedded_aws.backup import backup_jobs, backup_plans, recovery_points, routes, store
from embedded_aws.cloudformation import (
    backup_resources,
    change_sets,
    checks,
    conditions,
    drift,
    drift_reverts,
    other_resources,
    replacements,
    stack_rules,
    table_resources,
    type_changes,
)
from embedded_aws.dynamodb import (
    change_records,
    customer_keys,
    exports,
    numbers,
    pages,
    recovery,
    refusals,
    sorted_keys,
    table_backups,
)
from embedded_aws.iam import authorization, dynamodb_keys, managed_policies, policies
from embedded_aws.replies import ApiError, Handler, Reply
from embedded_aws.request_validation import of_body, of_form, of_named_mapping, of_stack
from embedded_aws.stepfunctions import distributed_map, execution_roles
from embedded_aws.streams import mappings, poller

Function = Callable[..., Any]


def around(original: Function, addition: Function) -> Function:
    """The addition, which gets the original as its first argument."""
    return functools.partial(addition, original)


def call(original: Handler, addition: Handler) -> Handler:
    """As ``around``, for a call of an API: an ApiError that the addition raises is the answer."""

    def replying(*arguments: Any) -> Reply:
        try:
            return addition(original, *arguments)
        except ApiError as error:
            return error.reply()

    return replying


def instead(_: object, addition: Any) -> Any:
    """The addition alone."""
    return addition


def changed(original: Any, addition: Function) -> Any:
    """What the addition makes of the original, which need not be a function."""
    return addition(original)


_STACKS = "services.cloudformation.provisioners:"
TYPES = "services.cloudformation.provisioners:_RESOURCE_HANDLERS."
_FIXED = "services.cloudformation.provisioners:_REPLACING_PROPERTIES."
_ACTIONS = "services.cloudformation.handlers:_ACTION_HANDLERS."
_DRIFT = "services.cloudformation.drift:_DRIFT_READERS."
_IMPORTS = "services.cloudformation.changesets:_IMPORT_LOOKUPS."


def _named(kind: str, name: str, pattern: str) -> Iterator[tuple[str, Callable[[Any, Any], Any], Any]]:
    """Rows for a type whose generated names the engine does not make as CloudFormation does."""
    yield f"{TYPES}{kind}.create", around, functools.partial(stack_rules.generated, name=name, pattern=pattern)
    yield f"{TYPES}{kind}.update", around, functools.partial(stack_rules.kept, name=name)


# In ministack, a module's attribute or what a dictionary there has; how it is replaced; the addition.
# Of several additions to one function the last is called first.
HOOKS: list[tuple[str, Callable[[Any, Any], Any], Any]] = [
    ("app:_handle_admin_config_request", around, settings.handle_config),
    # AWS Backup
    ("services.backup:handle_request", around, routes.handle_request),
    ("services.backup:reset", around, store.reset),
    ("services.backup:_create_plan", call, backup_plans.create_plan),
    ("services.backup:_get_plan", call, backup_plans.get_plan),
    ("services.backup:_update_plan", call, backup_plans.update_plan),
    ("services.backup:_delete_plan", call, backup_plans.delete_plan),
    ("services.backup:_resolve_resource", around, recovery_points.resolve_resource),
    ("services.tagging:_COLLECTORS.backup", instead, recovery_points.collect_tags),
    ("services.tagging:_RESOURCE_TAG_COLLECTORS.backup", instead, recovery_points.collect_tags),
    # CloudFormation
    (_ACTIONS + "CreateChangeSet", around, change_sets.create),
    (_ACTIONS + "CreateChangeSet", around, drift_reverts.create),
    (_ACTIONS + "CreateChangeSet", around, type_changes.refuse),
    (_ACTIONS + "DescribeChangeSet", around, drift_reverts.describe),
    (_ACTIONS + "DescribeEvents", around, change_sets.describe_events),
    (_ACTIONS + "ExecuteChangeSet", around, drift_reverts.execute),
    (_ACTIONS + "DescribeChangeSet", around, answers.describe_change_set),
    (_ACTIONS + "UpdateStack", around, type_changes.refuse),
    ("services.cloudformation:handle_request", around, stack_rules.handle_request),
    ("services.cloudformation.stacks:_delete_resource", around, stack_rules.delete_resource),
    (_STACKS + "_provision_resource", around, checks.provision_resource),
    ("services.cloudformation.stacks:_provision_resource", around, checks.provision_resource),
    (_STACKS + "_update_resource", around, checks.update_resource),
    ("services.cloudformation.stacks:_update_resource", around, checks.update_resource),
    (_STACKS + "_property_recreation", around, replacements.property_recreation),
    ("services.cloudformation.stacks:_property_recreation", around, replacements.property_recreation),
    (_STACKS + "_replacing_change", around, replacements.replacing_change),
    ("services.cloudformation.stacks:_replacing_change", around, replacements.replacing_change),
    (_STACKS + "_custom_named_replacement_error", around, replacements.custom_named_error),
    ("services.cloudformation.stacks:_custom_named_replacement_error", around, replacements.custom_named_error),
    (_STACKS + "_replace_resource", around, replacements.replace_resource),
    ("services.cloudformation.engine:_evaluate_conditions", around, conditions.evaluate),
    ("services.cloudformation.changesets:_evaluate_conditions", around, conditions.evaluate),
    ("services.cloudformation.handlers:_evaluate_conditions", around, conditions.evaluate),
    ("services.cloudformation.stacks:_evaluate_conditions", around, conditions.evaluate),
    (_STACKS + "_cw_metric_alarm_record", around, other_resources.alarm_record),
    (_STACKS + "_zip_inline", around, lambda_functions.zip_inline),
    # With these the engine replaces tables.
    (_STACKS + "_ddb_create", instead, table_resources.create),
    (_STACKS + "_ddb_delete", instead, table_resources.delete),
    # CloudFormation's types of resources
    *(
        (f"{TYPES}{kind}.{name}", instead, function)
        for kind, functions in backup_resources.HANDLERS.items()
        for name, function in functions.items()
    ),
    (_IMPORTS + "AWS::Backup::BackupVault", instead, backup_resources.VAULTS),
    (TYPES + "AWS::DynamoDB::GlobalTable.create", instead, table_resources.create_global_table),
    (TYPES + "AWS::DynamoDB::GlobalTable.update", instead, table_resources.update_global_table),
    (TYPES + "AWS::DynamoDB::GlobalTable.delete", instead, table_resources.delete),
    (TYPES + "AWS::DynamoDB::GlobalTable.update_with_logical_id", instead, True),
    (TYPES + "AWS::DynamoDB::GlobalTable.import", instead, table_resources.adopt),
    (_IMPORTS + "AWS::DynamoDB::GlobalTable", instead, table_resources.GLOBAL_TABLES),
    (_FIXED + "AWS::DynamoDB::GlobalTable", instead, ("TableName", *table_resources.REPLACING)),
    (TYPES + "AWS::DynamoDB::Table.create", instead, table_resources.create_table),
    (TYPES + "AWS::DynamoDB::Table.update", instead, table_resources.update_table),
    (TYPES + "AWS::DynamoDB::Table.delete", instead, table_resources.delete),
    (TYPES + "AWS::IAM::OIDCProvider.create", instead, other_resources.create_provider),
    (TYPES + "AWS::IAM::OIDCProvider.update", instead, other_resources.update_provider),
    (TYPES + "AWS::IAM::OIDCProvider.delete", instead, other_resources.delete_provider),
    (TYPES + "AWS::IAM::Role.create", around, other_resources.create_role),
    (TYPES + "AWS::IAM::Role.create", around, functools.partial(stack_rules.unique, name="RoleName")),
    (TYPES + "AWS::IAM::Role.update", around, other_resources.update_role),
    (TYPES + "AWS::Lambda::EventSourceMapping.create", around, other_resources.create_mapping),
    (TYPES + "AWS::Lambda::EventSourceMapping.update", around, other_resources.update_mapping),
    (TYPES + "AWS::Lambda::EventSourceMapping.update_with_logical_id", instead, True),
    *_named("AWS::Logs::LogGroup", "LogGroupName", "{stack}-{logical_id}-{suffix}"),
    (TYPES + "AWS::SNS::Topic.create", around, other_resources.create_topic),
    (TYPES + "AWS::SNS::Topic.update", around, other_resources.update_topic),
    *_named("AWS::StepFunctions::StateMachine", "StateMachineName", "{logical_id}-{suffix}"),
    *((_DRIFT + kind, changed, functools.partial(drift.extended, kind)) for kind in drift.READERS),
    # DynamoDB
    ("services.dynamodb:handle_request", around, exports.handle_request),
    ("services.dynamodb:handle_request", around, customer_keys.handle_request),
    ("services.dynamodb:_tables", changed, pages.in_part),
    ("services.dynamodb:_query", around, pages.query),
    ("services.dynamodb:_query", call, refusals.query),
    ("services.dynamodb:_scan", around, pages.scan),
    ("services.dynamodb:_scan", call, refusals.scan),
    ("services.dynamodb:_extract_key_val", around, numbers.key_value),
    ("services.dynamodb:_set_item", around, numbers.write_item),
    ("services.dynamodb:_set_item", around, sorted_keys.write_item),
    ("services.dynamodb:_set_item", around, recovery.write_item),
    ("services.dynamodb:_set_item", around, change_records.write_item),
    ("services.dynamodb:_remove_item", around, sorted_keys.write_item),
    ("services.dynamodb:_remove_item", around, recovery.write_item),
    ("services.dynamodb:_remove_item", around, change_records.write_item),
    ("services.dynamodb:_create_table", call, customer_keys.create_or_update_table),
    ("services.dynamodb:_update_table", call, change_records.update_table),
    ("services.dynamodb:_update_table", call, customer_keys.create_or_update_table),
    ("services.dynamodb:_delete_table", call, table_backups.delete_table),
    ("services.dynamodb:_delete_table", call, backup_jobs.delete_table),
    ("services.dynamodb:_table_description", around, recovery.table_description),
    ("services.dynamodb:_backup_arn", instead, table_backups.backup_arn),
    ("services.dynamodb:_create_backup", call, table_backups.create_backup),
    ("services.dynamodb:_delete_backup", call, table_backups.delete_backup),
    ("services.dynamodb:_list_backups", call, table_backups.list_backups),
    ("services.dynamodb:_update_continuous_backups", call, recovery.update_continuous_backups),
    ("services.dynamodb:_describe_continuous_backups", call, recovery.describe_continuous_backups),
    ("services.dynamodb:_restore_table_from_backup", call, recovery.restore_from_backup),
    ("services.dynamodb:_restore_table_to_point_in_time", call, recovery.restore_to_point_in_time),
    ("services.dynamodb:_restore_create_request", around, recovery.create_request),
    ("services.dynamodb:_export_table_to_point_in_time", call, exports.export_table),
    ("services.dynamodb:_describe_export", call, exports.describe_export),
    ("services.dynamodb:_list_exports", call, exports.list_exports),
    ("services.dynamodb:_build_change_record", around, change_records.build_record),
    ("services.dynamodb:_partiql_insert", around, change_records.run_statement),
    ("services.dynamodb:_partiql_update", around, change_records.run_statement),
    ("services.dynamodb:_partiql_delete", around, change_records.run_statement),
    ("services.dynamodb:_execute_transaction", around, change_records.execute_transaction),
    ("services.dynamodb:_batch_write_item", call, refusals.batch_write_item),
    ("services.dynamodb:_check_per_op_param_enums", around, refusals.check_enums),
    # EventBridge and alarms
    ("services.eventbridge:_invoke_target", around, deliveries.invoke_target),
    ("services.cloudwatch:_dispatch_alarm_actions", around, deliveries.dispatch_actions),
    # IAM
    ("core.iam_actions:extract_resource_arn", around, authorization.extract_resource_arn),
    ("core.iam_actions:request_tag_context", around, authorization.request_context),
    ("core.iam_actions:dynamodb_service_context", around, dynamodb_keys.service_context),
    ("core.iam_evaluator:_resolve_condition_key", around, dynamodb_keys.resolve_condition_key),
    # The last: it leaves out keys that an action does not carry.
    ("core.iam_evaluator:_resolve_condition_key", around, authorization.resolve_condition_key),
    ("core.iam_evaluator:enforce", around, authorization.enforce),
    ("core.iam_evaluator:_first_match", around, policies.first_match),
    ("core.iam_evaluator:validate_policy_document", around, policies.validate),
    ("core.iam_evaluator:_resource_matches", around, policies.resource_matches),
    ("core.iam_evaluator:_CONDITION_OPS.arnequals", instead, policies.is_like),
    ("core.iam_evaluator:_CONDITION_OPS.arnlike", instead, policies.is_like),
    ("core.iam_evaluator:_CONDITION_OPS.arnnotequals", instead, policies.is_unlike),
    ("core.iam_evaluator:_CONDITION_OPS.arnnotlike", instead, policies.is_unlike),
    ("services.iam:_seed_aws_managed_policies", around, managed_policies.seed),
    ("services.iam:_aws_managed_policies", changed, managed_policies.completed),
    # Lambda
    ("services.lambda_svc:_create_function", around, lambda_functions.check_role),
    ("services.lambda_svc:_update_config", around, lambda_functions.check_role),
    ("services.lambda_svc:json_response", around, answers.json_response),
    ("services.lambda_svc:_emit_lambda_logs", around, lambda_functions.emit_logs),
    ("services.lambda_svc:_execute_function_warm", around, lambda_functions.execute),
    ("services.lambda_svc:reap_idle_workers", instead, lambda_functions.end_idle_workers),
    ("core.lambda_runtime:_NODEJS_WORKER_SCRIPT", changed, lambda_functions.with_refusals),
    ("core.tls:ca_bundle_path", around, lambda_functions.ca_bundle),
    ("core.lambda_runtime:subprocess", instead, forked_workers.SUBPROCESS),
    # Event source mappings of streams
    ("services.lambda_svc:_create_esm", call, mappings.create_mapping),
    ("services.lambda_svc:_get_esm", call, mappings.get_mapping),
    ("services.lambda_svc:_list_esms", call, mappings.list_mappings),
    ("services.lambda_svc:_update_esm", call, mappings.update_mapping),
    ("services.lambda_svc:_delete_esm", call, mappings.delete_mapping),
    ("services.lambda_svc:_esm_response", around, mappings.shown),
    ("services.lambda_svc:_poll_dynamodb_streams", instead, poller.poll),
    # Step Functions
    ("services.stepfunctions:_create_state_machine", around, execution_roles.check_role),
    ("services.stepfunctions:_update_state_machine", around, execution_roles.check_role),
    ("services.stepfunctions:_execute_task", around, execution_roles.execute_task),
    ("services.stepfunctions:_run_distributed_map", around, distributed_map.run_map),
    ("services.stepfunctions:_s3_object_text", around, distributed_map.object_text),
    # Constraints of the models, checked before everything else
    ("services.dynamodb:_create_backup", call, of_body("dynamodb", "CreateBackup")),
    ("services.dynamodb:_delete_backup", call, of_body("dynamodb", "DeleteBackup")),
    ("services.dynamodb:_describe_backup", call, of_body("dynamodb", "DescribeBackup")),
    ("services.dynamodb:_describe_continuous_backups", call, of_body("dynamodb", "DescribeContinuousBackups")),
    ("services.dynamodb:_export_table_to_point_in_time", call, of_body("dynamodb", "ExportTableToPointInTime")),
    ("services.dynamodb:_list_backups", call, of_body("dynamodb", "ListBackups")),
    ("services.dynamodb:_list_exports", call, of_body("dynamodb", "ListExports")),
    ("services.dynamodb:_restore_table_from_backup", call, of_body("dynamodb", "RestoreTableFromBackup")),
    ("services.dynamodb:_restore_table_to_point_in_time", call, of_body("dynamodb", "RestoreTableToPointInTime")),
    ("services.dynamodb:_update_continuous_backups", call, of_body("dynamodb", "UpdateContinuousBackups")),
    ("services.dynamodb:_update_table", call, of_body("dynamodb", "UpdateTable")),
    ("services.dynamodb:_update_ttl", call, of_body("dynamodb", "UpdateTimeToLive")),
    ("services.stepfunctions:_create_state_machine", call, of_body("stepfunctions", "CreateStateMachine")),
    ("services.stepfunctions:_describe_map_run", call, of_body("stepfunctions", "DescribeMapRun")),
    ("services.stepfunctions:_list_map_runs", call, of_body("stepfunctions", "ListMapRuns")),
    ("services.stepfunctions:_update_map_run", call, of_body("stepfunctions", "UpdateMapRun")),
    ("services.stepfunctions:_update_state_machine", call, of_body("stepfunctions", "UpdateStateMachine")),
    ("services.lambda_svc:_create_esm", call, of_body("lambda", "CreateEventSourceMapping")),
    ("services.lambda_svc:_delete_esm", call, of_named_mapping("DeleteEventSourceMapping")),
    ("services.lambda_svc:_get_esm", call, of_named_mapping("GetEventSourceMapping")),
    ("services.lambda_svc:_update_esm", call, of_named_mapping("UpdateEventSourceMapping")),
    ("services.lambda_svc:_list_esms", call, of_form("lambda", "ListEventSourceMappings")),
    (_ACTIONS + "DescribeStackDriftDetectionStatus", around, of_stack("DescribeStackDriftDetectionStatus")),
    (_ACTIONS + "DescribeStackResourceDrifts", around, of_stack("DescribeStackResourceDrifts")),
    (_ACTIONS + "DetectStackDrift", around, of_stack("DetectStackDrift")),
    (_ACTIONS + "DetectStackResourceDrift", around, of_stack("DetectStackResourceDrift")),
]


def install(prefix: str = "") -> None:
    """Replace what HOOKS lists under names with ``prefix``, once, before the engine serves its first request."""
    for name, how, addition in HOOKS:
        if not name.startswith(prefix):
            continue
        owner, last = place(name)
        original = read(owner, last)
        if isinstance(owner, dict):
            owner[last] = how(original, addition)
        else:
            setattr(owner, last, how(original, addition))


def place(name: str) -> tuple[Any, str]:
    """The module or dictionary of the engine that has what a row names, and under which name."""
    module, _, path = name.partition(":")
    owner: Any = importlib.import_module(f"ministack.{module}")
    *parents, last = path.split(".")
    for parent in parents:
        owner = owner.setdefault(parent, {}) if isinstance(owner, dict) else getattr(owner, parent)
    return owner, last


def read(owner: Any, name: str) -> Any:
    """What a module or a dictionary has; None where a dictionary lacks it, for additions that are new to the engine.

    Raises AttributeError for what a module lacks.
    """
    return owner.get(name) if isinstance(owner, dict) else getattr(owner, name)
