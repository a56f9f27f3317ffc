"""Legal holds: what they select cannot be deleted until somebody cancels them.

Sources: model (shapes, states, the selection by vault, resource and date); re:Post,
"backup-recovery-points-hold-vault" (the text of the refusal). AWS needs a while in CREATING and
CANCELING; here both are over at once.
"""

import uuid

from ministack.core.responses import get_account_id, get_region

from embedded_aws.backup import source_tables, store
from embedded_aws.backup.requests import Request, page
from embedded_aws.backup.store import RecoveryPoint
from embedded_aws.replies import ApiError, Json

HELD = "The recovery point cannot be deleted because it has active legal hold(s)"
SELECTION = "RecoveryPointSelection"
LISTED = ("Title", "Status", "Description", "LegalHoldId", "LegalHoldArn", "CreationDate", "CancellationDate")


def create(request: Request) -> Json:
    """CreateLegalHold."""
    title, description = request.required("Title", "Description")
    hold_id = str(uuid.uuid4())
    hold: Json = {
        "Title": title,
        "Status": "ACTIVE",
        "Description": description,
        "LegalHoldId": hold_id,
        "LegalHoldArn": f"arn:aws:backup:{get_region()}:{get_account_id()}:legal-hold:{hold_id}",
        "CreationDate": store.now(),
        SELECTION: request.body.get(SELECTION) or {},
    }
    store.legal_holds[hold_id] = hold
    return hold


def get(request: Request) -> Json:
    """GetLegalHold."""
    return _existing(request)


def list_all(request: Request) -> Json:
    """ListLegalHolds, without what each selects."""
    return page(request, "LegalHolds", store.legal_holds.values(), _age, _listed)


def cancel(request: Request) -> None:
    """CancelLegalHold."""
    hold = _existing(request)
    if not request.query.get("cancelDescription"):
        raise ApiError("MissingParameterValueException", "CancelDescription is required")
    hold |= {
        "Status": "CANCELED",
        "CancelDescription": request.query["cancelDescription"],
        "CancellationDate": store.now(),
    }


def list_points(request: Request) -> Json:
    """ListRecoveryPointsByLegalHold."""
    hold = _existing(request)
    found = [p for p in store.points.values() if p.status() and _selects(hold, p)]
    return page(request, "RecoveryPoints", found, lambda p: (p.created, p.arn), _member)


def check_free(point: RecoveryPoint) -> None:
    """Raise ApiError while an active hold selects the point."""
    for hold in store.legal_holds.values():
        if hold["Status"] == "ACTIVE" and _selects(hold, point):
            raise ApiError("InvalidRequestException", HELD)


def _existing(request: Request) -> Json:
    hold: Json | None = store.legal_holds.get(request.path["hold"])
    if hold is None:
        raise ApiError("ResourceNotFoundException", f"Cannot find legal hold {request.path['hold']}")
    return hold


def _selects(hold: Json, point: RecoveryPoint) -> bool:
    """Whether every criterion that the hold gives holds for the point; one without selects none."""
    selection = hold[SELECTION]
    vaults, resources = selection.get("VaultNames"), selection.get("ResourceIdentifiers")
    dates = selection.get("DateRange") or {}
    # botocore sends times in a JSON body as epoch seconds.
    first, last = dates.get("FromDate", 0), dates.get("ToDate", float("inf"))
    return (
        bool(selection)
        and (not vaults or point.vault in vaults)
        and (not resources or point.table_arn in resources)
        and first <= point.created <= last
    )


def _age(hold: Json) -> tuple[float, str]:
    return hold["CreationDate"], hold["LegalHoldId"]


def _listed(hold: Json) -> Json:
    return {name: hold[name] for name in LISTED if name in hold}


def _member(point: RecoveryPoint) -> Json:
    return {
        "RecoveryPointArn": point.arn,
        "ResourceArn": point.table_arn,
        "ResourceType": source_tables.TYPE,
        "BackupVaultName": point.vault,
    }
