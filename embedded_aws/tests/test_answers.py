"""A function says why it is not ready, or was not updated, only while that is so."""

from embedded_aws.tests.support.steps import create_function, eventually, package

REASONS = ("StateReason", "StateReasonCode", "LastUpdateStatusReason", "LastUpdateStatusReasonCode")


def test_a_function_has_reasons_only_while_it_changes(client, name, role):
    """Source: LocalStack's snapshot of test_function_lifecycle (update_func_conf_response)."""
    create_function(client, name, role("lambda.amazonaws.com"), package(("code.py", "def handler(*_): pass\n", 0o644)))
    updated = client("lambda").update_function_configuration(FunctionName=name, Timeout=9)
    assert (updated["State"], updated["LastUpdateStatus"]) == ("Active", "InProgress")
    assert [updated.get(reason) for reason in REASONS] == [None, None, "The function is being created.", "Creating"]

    def shown():
        return client("lambda").get_function_configuration(FunctionName=name)

    eventually(lambda: shown()["LastUpdateStatus"] == "Successful")
    assert shown().keys().isdisjoint(REASONS)
    client("lambda").delete_function(FunctionName=name)
