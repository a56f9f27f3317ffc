"""What the workflows run exists, and their protections are there.

`make lint-workflows` checks them with actionlint and zizmor; this is what those cannot know.
"""

import re

import pytest
import yaml

from ops.__main__ import COMMANDS as OPS
from tests.conftest import PROJECT

FOLDER = PROJECT / ".github"
PATHS = sorted((FOLDER / "workflows").glob("*.yml"))
MAKEFILE = (PROJECT / "Makefile").read_text()
PIPELINES = (PROJECT / "docs/pipelines.md").read_text()
GITLAB = PROJECT / "docs/gitlab-ci.yml"


def load(path) -> dict:
    # YAML 1.1 reads the key `on` as true.
    return yaml.safe_load(path.read_text().replace("\non:", "\n'on':"))


WORKFLOWS = {path.stem: load(path) for path in PATHS}
JOBS = {
    f"{name}/{job}": described for name, workflow in WORKFLOWS.items() for job, described in workflow["jobs"].items()
}


def commands(text: str, of: str) -> set[str]:
    """The words that follow the command ``of`` wherever the text runs it."""
    return set(re.findall(rf"(?<![\w-]){of} ([a-z-]+)", text))


def without_comments(text: str) -> str:
    return re.sub(r"(?m)(^| )#.*$", "", text).replace("make --silent", "make")


TEXTS = {path.name: path.read_text() for path in [*PATHS, GITLAB, FOLDER / "actions/setup/action.yml"]}


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_every_make_target_and_every_command_of_ops_that_is_run_exists(name):
    text = without_comments(TEXTS[name])
    for target in commands(text, "make"):
        assert re.search(rf"^{target}:|\.PHONY:.* {target}\b", MAKEFILE, re.M), target
    assert commands(text, "python -m ops") <= set(OPS)


def test_an_action_is_the_same_commit_everywhere():
    used = set(re.findall(r"uses: ([\w-]+/[\w-]+)@(\w{40}) # (v\S+)", "".join(TEXTS.values())))
    assert len({action for action, _, _ in used}) == len(used)


@pytest.mark.parametrize("name", sorted(WORKFLOWS))
def test_a_workflow_may_read_the_code_at_most_and_is_documented(name):
    assert WORKFLOWS[name]["permissions"] in ({}, {"contents": "read"})
    assert WORKFLOWS[name]["concurrency"]["group"]
    assert f"`{name}.yml`" in PIPELINES


@pytest.mark.parametrize("name", sorted(JOBS))
def test_a_job_ends_leaves_no_token_and_pastes_no_expression_into_a_command(name):
    assert "uses" in JOBS[name] or JOBS[name]["timeout-minutes"] <= 60
    for step in JOBS[name].get("steps", []):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False
        assert "${{" not in step.get("run", "")


def test_a_job_that_may_write_on_github_runs_nothing_of_a_pull_request():
    scopes = ("issues", "pull-requests", "contents", "actions")
    granted = {name: job.get("permissions", {}) for name, job in JOBS.items()}
    writing = {name: JOBS[name] for name, given in granted.items() if "write" in map(given.get, scopes)}
    assert set(writing) == {"review-comment/comment", "watch/report"}
    for job in writing.values():
        assert [step for step in job["steps"] if "uses" in step] == []
        assert "make" not in str(job["steps"])


@pytest.mark.parametrize("name", sorted(n for n, j in JOBS.items() if "id-token" in str(j)))
def test_a_job_that_signs_in_to_aws_names_one_role_and_is_skipped_without_it(name):
    job = JOBS[name]
    (sign_in,) = [s for s in job["steps"] if "configure-aws-credentials" in s.get("uses", "")]
    (role,) = re.findall(r"vars\.(AWS_\w+_ROLE_ARN)", sign_in["with"]["role-to-assume"])
    assert f"vars.{role} != ''" in job["if"]
    environment = {"AWS_DEPLOY_ROLE_ARN": "prod", "AWS_PR_ROLE_ARN": "pr"}.get(role)
    assert job.get("environment") == environment
    assert f"`{role}`" in PIPELINES


def test_what_was_approved_is_applied_also_when_a_run_is_repeated():
    plan, deploy = (WORKFLOWS["deploy"]["jobs"][job] for job in ("plan", "deploy"))
    assert plan["env"]["PLAN"] == "plan-${{ github.run_id }}-${{ github.run_attempt }}"
    assert deploy["env"]["PLAN"] == "${{ needs.plan.outputs.plan }}"
    assert "needs.plan.outputs.plan != ''" in deploy["if"], "no approval where there is nothing to apply"
    plan, deploy = (load(GITLAB)[job] for job in ("plan", "deploy"))
    assert plan["variables"]["PLAN"] == "plan-$CI_JOB_ID"
    assert plan["script"][-1] == 'echo "PLAN=$PLAN" > plan.env'
    assert plan["artifacts"]["reports"]["dotenv"] == "plan.env"
    assert "PLAN" not in deploy["variables"]
    assert deploy["script"][:2] == [': "${PLAN:?the plan job has not run}"', "make apply"], (
        "without a name, any plan would be applied"
    )


def test_a_preview_is_removed_whatever_became_of_it():
    preview = WORKFLOWS["preview"]
    assert "closed" in preview["on"]["pull_request"]["types"]
    assert preview["concurrency"]["cancel-in-progress"] is False
    remove = preview["jobs"]["remove"]
    assert (remove["needs"], remove["if"].startswith("always()")) == ("try", True)
    assert "closed" not in remove["if"]
    (checkout,) = [s for s in remove["steps"] if "actions/checkout" in s.get("uses", "")]
    assert checkout["with"]["ref"] == "${{ github.event.pull_request.base.sha }}"
    runs = [step["run"] for step in remove["steps"] if "run" in step]
    assert runs[-2:] == ["make destroy ARGS=--force", ".venv/bin/python -m ops cleanup --yes"]
    same = "github.event.pull_request.head.repo.full_name == github.repository"
    assert all(same in job["if"] for job in preview["jobs"].values())


def test_gitlab_runs_the_same_commands_as_github():
    github = without_comments("".join(path.read_text() for path in PATHS))
    gitlab = without_comments(GITLAB.read_text())
    for of in ("make", "python -m ops", "python -m chat"):
        assert commands(gitlab, of) - {"setup"} == commands(github, of) - {"setup"}


def test_dependabot_looks_after_everything_that_is_pinned():
    updates = load(FOLDER / "dependabot.yml")["updates"]
    assert {u["package-ecosystem"] for u in updates} == {"pip", "npm", "github-actions"}
    for update in updates:
        assert update["schedule"]["interval"] == "weekly"
        assert update["groups"]
        assert update["cooldown"]["default-days"] >= 7
