"""Steps of tests that create CloudFormation stacks."""

import json
from collections.abc import Callable
from typing import Any

from embedded_aws.tests.support.steps import eventually

Properties = dict[str, Any]


class Stack:
    """One stack of the embedded AWS, by its id, so that it is found after its end."""

    def __init__(self, client: Callable[..., Any], name: str) -> None:
        self.cloudformation, self.name, self.id = client("cloudformation"), name, ""

    def create(self, **resources: Properties) -> "Stack":
        """Create the stack and wait for the end, whichever it is."""
        answer = self.cloudformation.create_stack(StackName=self.name, **_template(resources))
        self.id = answer["StackId"]
        return self._settle()

    def replacements(self, **resources: Properties) -> dict[str, str]:
        """What a change set says of each resource that an update would modify: replaced ("True") or not."""
        name = {"StackName": self.name, "ChangeSetName": "look"}
        self.cloudformation.create_change_set(**name, **_template(resources))
        changes = [change["ResourceChange"] for change in self.cloudformation.describe_change_set(**name)["Changes"]]
        self.cloudformation.delete_change_set(**name)
        return {change["LogicalResourceId"]: change["Replacement"] for change in changes}

    def take_over(self, **resources: Properties) -> "Stack":
        """Create the stack through a change set that imports what exists already."""
        importing = {"ChangeSetName": "import", "ChangeSetType": "CREATE", "ImportExistingResources": True}
        answer = self.cloudformation.create_change_set(StackName=self.name, **importing, **_template(resources))
        self.id, name = answer["StackId"], answer["Id"]
        eventually(lambda: self.cloudformation.describe_change_set(ChangeSetName=name)["Status"] == "CREATE_COMPLETE")
        self.cloudformation.execute_change_set(ChangeSetName=name)
        return self._settle()

    def update(self, **resources: Properties) -> "Stack":
        """Update the stack and wait for the end, whichever it is."""
        self.cloudformation.update_stack(StackName=self.name, **_template(resources))
        return self._settle()

    def delete(self) -> "Stack":
        """Delete the stack and wait for the end, whichever it is."""
        self.cloudformation.delete_stack(StackName=self.id)
        return self._settle()

    def _describe(self) -> Any:
        return self.cloudformation.describe_stacks(StackName=self.id)["Stacks"][0]

    def _settle(self) -> "Stack":
        eventually(lambda: not self.status.endswith("_IN_PROGRESS"))
        return self

    @property
    def status(self) -> str:
        return str(self._describe()["StackStatus"])

    def output(self, name: str) -> str:
        """The value of an output."""
        outputs = self._describe()["Outputs"]
        return next(entry["OutputValue"] for entry in outputs if entry["OutputKey"] == name)

    def events(self, logical_id: str) -> list[tuple[str, str]]:
        """Status and reason of each event of a resource, the oldest first."""
        events = self.cloudformation.describe_stack_events(StackName=self.id)["StackEvents"]
        return [
            (event["ResourceStatus"], event.get("ResourceStatusReason", ""))
            for event in reversed(events)
            if event["LogicalResourceId"] == logical_id
        ]


def resource(kind: str, properties: Properties, **attributes: Any) -> Properties:
    """A resource of a template."""
    return {"Type": kind, "Properties": properties} | attributes


def attribute(logical_id: str, name: str) -> Properties:
    """A reference to an attribute of a resource."""
    return {"Fn::GetAtt": [logical_id, name]}


def _template(resources: dict[str, Properties]) -> dict[str, Any]:
    """Every resource's Ref is an output under its own name."""
    outputs = {name: {"Value": {"Ref": name}} for name in resources}
    body = {"Resources": resources, "Outputs": outputs}
    return {"TemplateBody": json.dumps(body), "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"]}
