"""What a dataset adds to the template, and that without one nothing is added."""

import gzip
import json

from aws_cdk import App
from aws_cdk.assertions import Match, Template

from model.dataset import CHECKS
from stacks.messages_stack import MessagesStack
from stacks.settings import Settings
from tests.support.templates import SEED, granted, only, properties, stack

MACHINE, DATASET = "AWS::StepFunctions::StateMachine", "Custom::MessageDataset"
S3 = "s3://a-bucket/some/messages.jsonl"


def with_dataset(**settings) -> Template:
    return stack(seed_dataset=S3, **settings)


def definition(template: Template) -> dict:
    """The definition of the state machine that loads."""
    texts = [json.dumps(m["Properties"]["DefinitionString"]) for m in template.find_resources(MACHINE).values()]
    (text,) = [text for text in texts if "ItemReader" in text]
    parts = json.loads(text)["Fn::Join"][1]
    return json.loads("".join(part if isinstance(part, str) else "TOKEN" for part in parts))


def local(tmp_path, content: bytes, name="d.jsonl") -> Template:
    """The template of a stage with a local dataset."""
    (tmp_path / name).write_bytes(content)
    settings = Settings(seed_dataset=str(tmp_path / name))
    return Template.from_stack(MessagesStack(App(), settings=settings, items=[]))


def test_a_dataset_comes_after_the_seed_and_has_outputs():
    (seed_id,) = with_dataset().find_resources(SEED)
    dataset = only(with_dataset(), DATASET)
    assert seed_id in dataset["DependsOn"]
    assert (dataset["Properties"]["Bucket"], dataset["Properties"]["Key"]) == ("a-bucket", "some/messages.jsonl")
    outputs = {name for name in with_dataset().find_outputs("*") if name.startswith("Dataset")}
    assert outputs == {f"Dataset{count}" for count in ("Total", "Written", "Unchanged", "Preserved")}


def test_a_file_is_an_asset_whose_key_is_its_content_compressed_or_not(tmp_path):
    content = b'{"from": "Tom"}\n' * 100
    stored = [(content, "d.jsonl"), (gzip.compress(content, 1), "d.jsonl.gz"), (b"other", "d.jsonl")]
    templates = [local(tmp_path, *one) for one in stored]
    keys = [properties(template, DATASET)["Key"] for template in templates]
    assert keys[0] == keys[1] != keys[2]
    assert keys[0].endswith(".jsonl")
    for key, template in zip(keys, templates, strict=True):
        assert key in str(granted(template, "DatasetLoading")["s3:GetObject"])
        # Checked at synth, and not again.
        assert [*definition(template)["States"]] == ["Load"]
        assert granted(template, "DatasetChecking") == {}


def test_an_object_in_s3_is_checked_before_a_line_of_it_is_written():
    machine = definition(with_dataset())
    check = machine["States"][machine["StartAt"]]
    assert (machine["StartAt"], check["Next"]) == ("Check", "Load")
    assert check["ResultPath"] is None  # the load gets what the check got
    with_dataset().has_resource_properties(
        "AWS::Lambda::Function",
        {"Handler": "functions.check_dataset.check", "Timeout": 900, "EphemeralStorage": {"Size": 2048}},
    )


def test_all_objects_of_an_export_are_checked_before_one_is_loaded():
    template = stack(seed_dataset="s3://a-bucket/some/export/")
    machine = definition(template)
    check, load = (machine["States"][name] for name in ("Check", "Load"))
    assert (machine["StartAt"], check["Next"], check["ResultPath"], check["Label"]) == ("Check", "Load", None, CHECKS)
    for each in (check, load):
        assert each["ItemReader"]["Resource"].endswith(":states:::s3:listObjectsV2")
        assert each["ItemReader"]["Parameters"] == {"Bucket.$": "$.Bucket", "Prefix.$": "$.Key"}
        assert "ItemBatcher" not in each
        assert each.get("ToleratedFailurePercentage", 0) == 0
        assert each["ItemSelector"]["Key.$"] == "$$.Map.Item.Value.Key"
    states = load["ItemProcessor"]["States"]
    assert (states["Write"]["Next"], states["Loaded"]["Default"]) == ("Loaded", "Write")
    assert states["Counts"]["OutputPath"] == "$.Counts"
    for role in ("DatasetChecking", "DatasetWorker"):
        (objects,) = granted(template, role)["s3:GetObject"]
        assert ":s3:::a-bucket/some/export/*" in objects
    assert "s3:GetObject" not in granted(template, "DatasetLoading")
    listing = {"Action": "s3:ListBucket", "Condition": {"StringEquals": {"s3:prefix": "some/export/"}}}
    statements = Match.array_with([Match.object_like(listing)])
    template.has_resource_properties("AWS::IAM::Policy", {"PolicyDocument": {"Statement": statements}})


def test_the_map_reads_lines_in_batches_with_an_end_and_a_retry_and_tolerates_no_failure():
    machine = definition(with_dataset())
    check, load = machine["States"].values()
    assert load["ItemReader"]["ReaderConfig"] == {"InputType": "JSONL"}
    assert load["ItemReader"]["Parameters"] == {"Bucket.$": "$.Bucket", "Key.$": "$.Key"}
    batches = {"MaxItemsPerBatch": 1000, "MaxInputBytesPerBatch": 262144, "BatchInput": {"Table.$": "$.Table"}}
    assert load["ItemBatcher"] == batches
    assert load["ItemSelector"] == {"Index.$": "$$.Map.Item.Index", "Message.$": "$$.Map.Item.Value"}
    assert load["MaxConcurrency"] == 5
    assert "ToleratedFailureCount" not in load  # zero is the default of both thresholds
    assert load.get("ToleratedFailurePercentage", 0) == 0
    assert load["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    assert machine["TimeoutSeconds"] == 55 * 60
    (write,) = load["ItemProcessor"]["States"].values()
    for task in (check, write):
        assert task["TimeoutSeconds"] == 900
        (retry,) = task["Retry"]
        errors = {*retry["ErrorEquals"]}
        assert {"Lambda.TooManyRequestsException", "Lambda.ServiceException", "IncompleteReadError"} < errors
        assert "DatasetError" not in errors
        assert (retry["BackoffRate"], retry["JitterStrategy"]) == (2, "FULL")
