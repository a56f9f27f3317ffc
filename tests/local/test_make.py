"""The make targets of a stack's life, as the README has them, on the embedded AWS."""

from tests.support.commands import checkout, make


def test_a_stage_from_bootstrap_to_destroy(aws, name, tmp_path):
    folder, environment = checkout(tmp_path), aws.environment()

    def run(target, *options):
        # From the second one on with what the first has synthesized: a synthesis takes most of the time.
        given = [f"ARGS={' '.join(options)}"] if options else []
        done = make(folder, target, f"STAGE=pr-{name}", *given, environment=environment)
        assert done.returncode == 0, done.stdout
        return done.stdout

    assert "bootstrapped" in run("bootstrap")
    assembly = ("-a", "cdk.out")
    assert "[+] AWS::DynamoDB::GlobalTable" in run("diff", *assembly)
    assert f"Messages-pr-{name}" in run("deploy", *assembly, "--require-approval never")
    assert "nothing differs from the template" in run("drift")
    assert "destroyed" in run("destroy", *assembly, "--force")
