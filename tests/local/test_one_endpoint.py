"""What runs against the embedded AWS reaches nothing else, whatever the environment names."""

import subprocess
import sys
from pathlib import Path

from tests.conftest import PROJECT
from tests.support.elsewhere import SECRET

SCRIPT = """
import boto3
print(boto3.client("sts").get_caller_identity()["Account"])
boto3.client("dynamodb", region_name="eu-west-1").list_tables()
boto3.client("s3").list_buckets()
print(boto3.Session().available_profiles)
"""


def test_commands_scripts_and_the_cdk_cli_reach_the_embedded_aws_alone(
    aws, hostile, elsewhere, messages_table, tmp_path
):
    (tmp_path / ".cdk.json").write_text(f'{{"profile": "own", "proxy": "{elsewhere.url}"}}')

    def run(*command):
        done = subprocess.run(
            [sys.executable, "-m", "local", "--state", Path(aws.ca_file).parent, "run", "--", *command],
            cwd=PROJECT,
            env=hostile | {"HOME": str(tmp_path)},
            text=True,
            capture_output=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert messages_table in run("python", "-m", "chat", "tables").splitlines()
    assert run("python", "-c", SCRIPT).splitlines() == ["000000000000", "[]"]
    # Outside the project's folder it does not synthesize the app.
    run("sh", "-c", f"cd {tmp_path} && cdk bootstrap aws://000000000000/us-east-1")
    assert elsewhere.seen == []

    printed = run("env")
    assert SECRET not in printed
    environment = dict(line.split("=", 1) for line in printed.splitlines() if "=" in line)
    naming = [name for name, value in environment.items() if elsewhere.url in value]
    assert [name for name in naming if not name.lower().endswith("_proxy")] == []
    assert environment["HTTPS_PROXY"] == elsewhere.url
    assert environment["NO_PROXY"] == environment["no_proxy"] == "127.0.0.1,localhost,example.com"
