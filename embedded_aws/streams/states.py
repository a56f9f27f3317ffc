"""The states of a mapping: a change takes a while, in which the mapping is not read and Lambda refuses other changes.

Sources: API_EventSourceMappingConfiguration (the states); API_UpdateEventSourceMapping, ResourceInUseException ("you
tried to update an event source mapping in the CREATING state, or you tried to delete an event source mapping currently
UPDATING"), whose texts are quoted in many bug reports; the snapshots test_disabled_dynamodb_event_source_mapping and
test_event_source_mapping_lifecycle (the states in answers, "User action"), test_function_name_variations (a deleted
mapping is shown for a while). Guide, services-ddb-params: with LATEST, a mapping "may miss events" while it is created.
Whether a mapping is read while it is updated is not documented; here it is.
"""

import threading
import time

import ministack.services.lambda_svc as engine

from embedded_aws.replies import Json
from embedded_aws.settings import CURRENT
from embedded_aws.streams import reading

# When the change under way began; never answered.
BEGUN = "ChangeBegun"
_SETTLED = ("Enabled", "Disabled")
_READ = ("Enabled", "Updating")
_SETTLING = threading.Lock()


def begin(mapping: Json, state: str) -> Json:
    """Let a change by the user begin, which ends by itself; how the mapping is until then."""
    change = {"State": state, "StateTransitionReason": "User action"}
    mapping |= change | {BEGUN: time.monotonic()}
    # The engine's poller, which reads once the change is over, otherwise looks only after up to a second.
    wake = threading.Timer(CURRENT.mapping_change_seconds, engine._esm_wake.set)
    wake.daemon = True
    wake.start()
    return mapping | change


def changing(mapping: Json) -> bool:
    """Whether a change is under way."""
    settle(mapping)
    return mapping["State"] not in _SETTLED


def read(mapping: Json) -> bool:
    """Whether Lambda reads the mapping's stream."""
    settle(mapping)
    return bool(mapping["Enabled"]) and mapping["State"] in _READ


def finish(identifier: str) -> None:
    """End the change of a mapping now, as for CloudFormation, which waits for it."""
    mapping = engine._esms.get(identifier) or {}
    if BEGUN in mapping:
        mapping[BEGUN] = float("-inf")
        settle(mapping)


def settle_all() -> None:
    """End every change of the account's mappings whose time is over."""
    for mapping in list(engine._esms.values()):
        settle(mapping)


def settle(mapping: Json) -> None:
    """End a change whose time is over."""
    with _SETTLING:
        if time.monotonic() < mapping.get(BEGUN, float("inf")) + CURRENT.mapping_change_seconds:
            return
        del mapping[BEGUN]
        engine._esm_wake.set()
        if mapping["State"] == "Deleting":
            engine._esms.pop(mapping["UUID"], None)
            engine._release_esm_poll_state(mapping["UUID"])
            return
        if mapping["State"] == "Creating":
            reading.start(mapping)
        mapping["State"] = "Enabled" if mapping["Enabled"] else "Disabled"
