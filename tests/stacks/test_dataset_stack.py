"""What a dataset adds to the template, and that without one nothing is added."""

import gzip
import json
import subprocess
import sys
from functools import cache

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template

from stacks.function import module_files
from stacks.messages_stack import MessagesStack
from stacks.settings import Settings
from tests.conftest import PROJECT
from tests.support.templates import only, stack, statements

MACHINE, DATASET = "AWS::StepFunctions::StateMachine", "Custom::MessageDataset"
S3 = "s3://a-bucket/some/messages.jsonl"


def with_dataset(**settings) -> Template:
    return stack(seed_dataset=S3, **settings)


@cache
def definition() -> dict:
    """The definition of the state machine that loads an object in S3."""
    return definition_of(with_dataset())


def definition_of(template: Template) -> dict:
    texts = [json.dumps(m["Properties"]["DefinitionString"]) for m in template.find_resources(MACHINE).values()]
    (text,) = [text for text in texts if "ItemBatcher" in text]
    parts = json.loads(text)["Fn::Join"][1]
    return json.loads("".join(part if isinstance(part, str) else "TOKEN" for part in parts))


def test_without_a_dataset_there_is_nothing_of_it():
    template = stack()
    template.resource_count_is(MACHINE, 0)
    template.resource_count_is(DATASET, 0)
    assert not [name for name in template.find_outputs("*") if name.startswith("Dataset")]


def test_a_dataset_comes_after_the_seed_and_has_outputs():
    (seed_id,) = with_dataset().find_resources("Custom::MessageSeed")
    dataset = only(with_dataset(), DATASET)
    assert seed_id in dataset["DependsOn"]
    assert {n for n in with_dataset().find_outputs("*") if n.startswith("Dataset")} == {
        "DatasetTotal",
        "DatasetWritten",
        "DatasetUnchanged",
        "DatasetPreserved",
    }


def test_an_object_is_named_as_it_is():
    properties = only(with_dataset(), DATASET)["Properties"]
    assert (properties["Bucket"], properties["Key"]) == ("a-bucket", "some/messages.jsonl")


def test_a_file_is_an_asset_so_another_content_is_another_key(tmp_path):
    keys = []
    for text in ("one\n", "two\n"):
        (tmp_path / "d.jsonl").write_text(text)
        settings = Settings(seed_dataset=str(tmp_path / "d.jsonl"))
        template = Template.from_stack(MessagesStack(App(), settings=settings, items=[]))
        keys.append(only(template, DATASET)["Properties"]["Key"])
        granted = [s["Resource"] for s in statements(template) if s["Action"] == "s3:GetObject"]
        assert keys[-1] in str(granted)
    assert len(set(keys)) == 2


def local(tmp_path, content: bytes, name="d.jsonl") -> Template:
    """The template of a stage with a local dataset."""
    (tmp_path / name).write_bytes(content)
    settings = Settings(seed_dataset=str(tmp_path / name))
    return Template.from_stack(MessagesStack(App(), settings=settings, items=[]))


def test_a_compressed_file_is_the_same_asset_as_its_content(tmp_path):
    content = b'{"from": "Tom"}\n' * 100
    keys = {
        only(local(tmp_path, stored, name), DATASET)["Properties"]["Key"]
        for stored, name in [
            (content, "d.jsonl"),
            (gzip.compress(content), "d.jsonl"),
            (gzip.compress(content, 1), "d.jsonl.gz"),
            (content, "d.jsonl.gz"),
        ]
    }
    (key,) = keys
    assert str(key).endswith(".jsonl")


def test_an_object_in_s3_is_checked_before_a_line_of_it_is_written():
    machine = definition()
    check = machine["States"][machine["StartAt"]]
    assert (machine["StartAt"], check["Next"]) == ("Check", "Load")
    assert check["ResultPath"] is None  # the load gets what the check got
    assert check["TimeoutSeconds"] == 900
    (function,) = [
        f["Properties"]
        for f in with_dataset().find_resources("AWS::Lambda::Function").values()
        if f["Properties"]["Handler"] == "functions.check_dataset.check"
    ]
    assert function["Timeout"] == 900
    assert function["EphemeralStorage"] == {"Size": 2048}


def test_a_local_file_is_checked_at_synth_and_not_again(tmp_path):
    template = local(tmp_path, b"one\n")
    assert [*definition_of(template)["States"]] == ["Load"]
    assert granted(template, "DatasetChecking") == {}


def test_every_module_of_the_check_is_in_its_package():
    imported = {
        name.replace(".", "/") + ".py"
        for name in subprocess.run(
            [sys.executable, "-c", "import sys, functions.check_dataset; print(*sys.modules)"],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout.split()
        if name.startswith(("functions.", "dynamo.", "model."))
    }
    packages = {"functions/__init__.py", "model/__init__.py"}
    assert imported | packages == {*module_files("functions.check_dataset")}


def test_the_map_reads_lines_in_batches_and_tolerates_no_failure():
    load = definition()["States"]["Load"]
    assert load["ItemReader"]["ReaderConfig"] == {"InputType": "JSONL"}
    assert load["ItemReader"]["Parameters"] == {"Bucket.$": "$.Bucket", "Key.$": "$.Key"}
    assert load["ItemBatcher"] == {
        "MaxItemsPerBatch": 1000,
        "MaxInputBytesPerBatch": 262144,
        "BatchInput": {"Table.$": "$.Table"},
    }
    assert load["ItemSelector"] == {"Index.$": "$$.Map.Item.Index", "Message.$": "$$.Map.Item.Value"}
    assert load["MaxConcurrency"] == 5
    assert "ToleratedFailureCount" not in load  # zero is the default of both thresholds
    assert load.get("ToleratedFailurePercentage", 0) == 0
    assert load["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}


def test_every_step_has_an_end_and_a_retry_with_backoff_and_jitter():
    assert definition()["TimeoutSeconds"] == 55 * 60
    check, load = definition()["States"].values()
    (write,) = load["ItemProcessor"]["States"].values()
    for task in (check, write):
        assert task["TimeoutSeconds"] == 900
        (retry,) = task["Retry"]
        errors = {*retry["ErrorEquals"]}
        assert {"Lambda.TooManyRequestsException", "Lambda.ServiceException"} < errors
        assert {"IncompleteReadError", "ReadTimeoutError", "ResponseStreamingError"} < errors
        assert "DatasetError" not in errors
        assert (retry["BackoffRate"], retry["JitterStrategy"]) == (2, "FULL")


def granted(template: Template, part: str) -> dict[str, list[str]]:
    """Each action that the policies with ``part`` in their name allow, on what."""
    found: dict[str, list[str]] = {}
    for name, policy in template.find_resources("AWS::IAM::Policy").items():
        if part in name:
            for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
                actions, resources = statement["Action"], statement["Resource"]
                for action in [actions] if isinstance(actions, str) else actions:
                    rows = resources if isinstance(resources, list) else [resources]
                    found.setdefault(action, []).extend(map(json.dumps, rows))
    return found


def test_the_worker_may_only_read_and_put_items_of_the_table():
    found = granted(with_dataset(), "DatasetWorker")
    assert {*found} == {"dynamodb:BatchGetItem", "dynamodb:PutItem", "logs:CreateLogStream", "logs:PutLogEvents"}
    (table,) = with_dataset().find_resources("AWS::DynamoDB::GlobalTable")
    assert found["dynamodb:PutItem"] == [json.dumps({"Fn::GetAtt": [table, "Arn"]})]


def test_the_check_may_only_read_the_object():
    found = granted(with_dataset(), "DatasetChecking")
    assert {*found} == {"s3:GetObject", "logs:CreateLogStream", "logs:PutLogEvents"}
    (resource,) = found["s3:GetObject"]
    assert "s3:::a-bucket/some/messages.jsonl" in resource


def test_the_state_machine_may_only_read_the_object_and_call_its_two_functions():
    found = granted(with_dataset(), "DatasetLoadingPolicy")
    assert {*found} == {
        "lambda:InvokeFunction",
        "s3:GetObject",
        "states:StartExecution",
        "states:DescribeExecution",
        "states:StopExecution",
    }
    assert "s3:::a-bucket/some/messages.jsonl" in found["s3:GetObject"][0]
    worker, checker = found["lambda:InvokeFunction"]
    assert "DatasetWorkerFunction" in worker
    assert "DatasetCheckingFunction" in checker


def test_the_handlers_may_only_use_their_state_machine():
    starting = granted(with_dataset(), "DatasetStartingRole")
    watching = granted(with_dataset(), "DatasetWatchingRole")
    logging = {"logs:CreateLogStream", "logs:PutLogEvents"}
    assert {*starting} - logging == {"states:StartExecution", "states:ListExecutions", "states:StopExecution"}
    assert {*watching} - logging == {
        "states:DescribeExecution",
        "states:ListMapRuns",
        "states:DescribeMapRun",
        "states:ListExecutions",
    }
    for action, resources in {**starting, **watching}.items():
        assert action in logging or all("DatasetLoadingMachine" in r for r in resources)


@pytest.mark.parametrize("settings", [{}, {"customer_key": True, "region": "eu-west-1"}], ids=["plain", "customer key"])
def test_no_new_permission_is_on_every_resource(settings):
    wild = [s for s in statements(with_dataset(**settings)) if s["Resource"] == "*"]
    assert {s["Action"] for s in wild} == {"dynamodb:ListStreams", "tag:GetResources"}
    assert "logs:CreateLogGroup" not in str(statements(with_dataset(**settings)))


def test_with_a_customer_key_the_worker_may_use_it_for_the_table():
    template = with_dataset(customer_key=True, region="eu-west-1")
    assert "kms:Decrypt" in granted(template, "DatasetWorker")


def test_every_taggable_resource_of_it_carries_the_stages_tags():
    untaggable = {"AWS::IAM::Policy", DATASET}
    for name, resource in with_dataset().to_json()["Resources"].items():
        if name.startswith("Dataset") and resource["Type"] not in untaggable:
            assert "messages:stack" in str(resource["Properties"]), name


def test_every_function_logs_into_a_group_that_goes_with_the_stack():
    template = with_dataset()
    groups = template.find_resources("AWS::Logs::LogGroup")
    assert {group["DeletionPolicy"] for group in groups.values()} == {"Delete"}
    for function in template.find_resources("AWS::Lambda::Function").values():
        assert function["Properties"]["LoggingConfig"]["LogGroup"]["Ref"] in groups
