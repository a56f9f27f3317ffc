"""The alarms and the dashboard of a stage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cdk_monitoring_constructs as monitoring
from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_sns as sns
from constructs import Construct

from model.messages import INDEX_NAME
from stacks.conversation_index import MAX_AGE, ConversationIndex
from stacks.message_seed import MessageSeed
from stacks.table_backup import RestoreTesting

if TYPE_CHECKING:
    # A stage without a dataset need not load the CDK's Step Functions.
    from stacks.dataset_seed import DatasetSeed

# Half of what a record has before it goes to the failure queue.
MAX_STREAM_LAG = Duration.minutes(MAX_AGE.to_minutes() / 2)
_MISSING: dict[str, Any] = {"treat_missing_data_override": cloudwatch.TreatMissingData.NOT_BREACHING}
# What this project calls; an alarm takes at most ten metrics.
_OPERATIONS = (
    "BatchGetItem BatchWriteItem DeleteItem GetItem GetRecords PutItem Query Scan TransactWriteItems UpdateItem".split()
)
# For one-time failures: the library's three periods of five minutes suit only what a retry fixes.
_AT_ONCE: dict[str, Any] = {"evaluation_periods": 1, "datapoints_to_alarm": 1}
_FAILED: dict[str, Any] = {"Alarm": monitoring.ErrorCountThreshold(max_error_count=0)}
_FAILED_ONCE: dict[str, Any] = {"Alarm": monitoring.ErrorCountThreshold(max_error_count=0, **_AT_ONCE)}


class Monitoring(Construct):
    """Alarms for what needs attention, and a dashboard that also shows the traffic."""

    def __init__(self, scope: Construct, id: str, *, topic: sns.ITopic) -> None:
        super().__init__(scope, id)
        self._topic = topic
        stack = Stack.of(self).stack_name
        self._facade = monitoring.MonitoringFacade(
            self,
            "Facade",
            alarm_factory_defaults=monitoring.AlarmFactoryDefaults(
                actions_enabled=True,
                alarm_name_prefix=stack,
                action=monitoring.SnsAlarmActionStrategy(on_alarm_topic=topic),
            ),
            dashboard_factory=monitoring.DefaultDashboardFactory(self, "Dashboards", dashboard_name_prefix=stack),
        )

    def watch_table(self, table: dynamodb.ITable) -> None:
        """Throttled and failed requests of the table and of its index."""
        alarm = {"Alarm": monitoring.ThrottledEventsThreshold(max_throttled_events_threshold=0)}
        throttled: Any = {f"add_{kind}_throttled_events_count_alarm": alarm for kind in ("read", "write")}
        self._facade.monitor_dynamo_table(table=table, alarm_friendly_name="Table", **throttled)
        self._facade.monitor_dynamo_table_global_secondary_index(
            table=table, global_secondary_index_name=INDEX_NAME, alarm_friendly_name="Index", **throttled
        )
        # Not the library's own: its ``+`` of the operations has no value while any of them was not called.
        name, total = table.table_name, cloudwatch.Stats.SUM
        errors = cloudwatch.MathExpression(
            expression="SUM(METRICS())",
            label="System errors",
            using_metrics={
                f"of{operation}": cloudwatch.Metric(
                    namespace="AWS/DynamoDB",
                    metric_name="SystemErrors",
                    dimensions_map={"TableName": name, "Operation": operation},
                    statistic=total,
                )
                for operation in _OPERATIONS
            },
        ).create_alarm(
            self,
            "SystemErrors",
            alarm_name=f"{Stack.of(self).stack_name}-Table-SystemError-Count-Alarm",
            alarm_description="Requests failed because of DynamoDB itself.",
            threshold=0,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        errors.add_alarm_action(actions.SnsAction(self._topic))

    def watch_conversations(self, conversations: ConversationIndex) -> None:
        """The stream's function, how far it lags, and the records that it could not apply."""
        lag = monitoring.MaxAgeThreshold(max_age_in_millis=MAX_STREAM_LAG.to_milliseconds(), **_MISSING)
        none = monitoring.MaxMessageCountThreshold(max_message_count=0, **_MISSING, **_AT_ONCE)
        self._facade.monitor_lambda_function(
            lambda_function=conversations.indexing.function,
            alarm_friendly_name="Indexing",
            human_readable_name="Lists of conversations",
            is_iterator=True,
            add_fault_count_alarm=_FAILED,
            add_throttles_count_alarm=_FAILED,
            add_max_iterator_age_alarm={"Alarm": lag},
        )
        self._facade.monitor_sqs_queue(
            queue=conversations.failures, alarm_friendly_name="Failures", add_queue_max_size_alarm={"Alarm": none}
        )

    def watch_seeding(self, seed: MessageSeed, dataset: DatasetSeed | None) -> None:
        """The function that writes the seed, and the load of the dataset."""
        self._facade.monitor_lambda_function(
            lambda_function=seed.seeding.function,
            alarm_friendly_name="Seeding",
            human_readable_name="Seeding",
            add_fault_count_alarm=_FAILED_ONCE,
        )
        if dataset:
            self._facade.monitor_step_function(
                state_machine=dataset.machine,
                alarm_friendly_name="Dataset",
                add_failed_execution_count_alarm=_FAILED_ONCE,
                # CloudWatch counts timeouts separately from failures.
                add_timed_out_execution_count_alarm=_FAILED_ONCE,
            )

    def watch_restore_tests(self, testing: RestoreTesting) -> None:
        """The function that validates restore tests; AWS Backup sends no event for a failed validation."""
        meaning = "A restore test failed validation, or the validation could not run; see the function's log."
        failed = monitoring.ErrorCountThreshold(max_error_count=0, alarm_description_override=meaning, **_AT_ONCE)
        self._facade.monitor_lambda_function(
            lambda_function=testing.validation.function,
            alarm_friendly_name="RestoreTest",
            human_readable_name="Validation of restore tests",
            add_fault_count_alarm={"Alarm": failed},
        )
