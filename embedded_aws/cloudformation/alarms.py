"""CloudWatch alarms on metric math, which the engine refuses.

They are made, described and deleted like others. Their expression is not worked
out: an alarm follows the first of its metrics, of whose data the engine itself
records little. Source: CloudFormation Template Reference, AWS::CloudWatch::Alarm
(either MetricName or Metrics).
"""

import ministack.services.cloudformation.provisioners as engine

from embedded_aws.cloudformation.registry import replace_function
from embedded_aws.replies import Json

_record = engine._cw_metric_alarm_record


def install() -> None:
    """Replace the engine's function that turns properties into an alarm."""
    replace_function("_cw_metric_alarm_record", _alarm)


def _alarm(name: str, properties: Json) -> Json:
    metrics = properties.get("Metrics")
    if not metrics:
        return dict(_record(name, properties))
    followed = next((m["MetricStat"] for m in metrics if "MetricStat" in m), None)
    if followed is None:
        raise ValueError("AWS::CloudWatch::Alarm: none of Metrics has a MetricStat")
    single = {key: value for key, value in properties.items() if key != "Metrics"}
    single |= {
        "Namespace": followed["Metric"]["Namespace"],
        "MetricName": followed["Metric"]["MetricName"],
        "Dimensions": followed["Metric"].get("Dimensions", []),
        "Period": followed["Period"],
        "Statistic": followed["Stat"],
    }
    return dict(_record(name, single))
