"""Capacity units: as DynamoDB's documentation counts them, and as an engine reports them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import ClientError

from chat.model import PARTITION_KEY, SORT_KEY, item_bytes

_WRITE_BYTES, _READ_BYTES = 1024, 4096
Image = Mapping[str, Any] | None


@dataclass
class Units:
    """Write units of the table and of its index, and read units."""

    table: float = 0
    index: float = 0
    reads: float = 0

    @property
    def writes(self) -> float:
        """What is paid for writing."""
        return self.table + self.index


def write_units(before: Image, after: Image) -> int:
    """What a write costs the table: by the larger of both images, and never nothing.

    Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
    """
    return max(_units(before), _units(after), 1)


def index_units(before: Image, after: Image, keys: tuple[str, str]) -> int:
    """What a write costs an index with these keys that has all attributes.

    Source, rule by rule:
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations.Writes
    """
    old, new = (image if image and all(key in image for key in keys) else None
                for image in (before, after))  # fmt: skip
    if old == new:
        return 0
    if old and new and all(old[key] == new[key] for key in keys):
        return max(_units(old), _units(new))
    return _units(old) + _units(new)  # the old entry is deleted, the new one is put


def _units(image: Image) -> int:
    return -(-item_bytes(dict(image)) // _WRITE_BYTES) if image else 0


@dataclass
class Metered:
    """A boto3 Table that counts what its calls cost: by the documentation, and as reported."""

    table: Any
    index_keys: tuple[str, str]
    documented: Units = field(default_factory=Units)
    reported: Units = field(default_factory=Units)

    def put_item(self, **request: Any) -> Any:
        item = request["Item"]
        key = {name: item[name] for name in (PARTITION_KEY, SORT_KEY)}
        return self._write(self.table.put_item, key, request)

    def update_item(self, **request: Any) -> Any:
        return self._write(self.table.update_item, request["Key"], request)

    def delete_item(self, **request: Any) -> Any:
        return self._write(self.table.delete_item, request["Key"], request)

    def query(self, **request: Any) -> Any:
        answer = self.table.query(**request, ReturnConsumedCapacity="INDEXES")
        keys = [
            {name: item[name] for name in (PARTITION_KEY, SORT_KEY)} for item in answer["Items"]
        ]
        size = sum(item_bytes(self._image(key) or {}) for key in keys)
        rate = 1 if request.get("ConsistentRead") else 0.5
        self.documented.reads += max(-(-size // _READ_BYTES), 1) * rate
        self.reported.reads += answer["ConsumedCapacity"]["CapacityUnits"]
        return answer

    def _write(self, write: Any, key: dict[str, str], request: dict[str, Any]) -> Any:
        before = self._image(key)
        try:
            answer = write(**request, ReturnConsumedCapacity="INDEXES")
        except ClientError:  # a condition that does not hold costs the table what a write does
            self.documented.table += write_units(before, None)
            raise
        after = self._image(key)
        self.documented.table += write_units(before, after)
        self.documented.index += index_units(before, after, self.index_keys)
        consumed = answer["ConsumedCapacity"]
        self.reported.table += consumed["Table"]["CapacityUnits"]
        indexes = consumed.get("GlobalSecondaryIndexes", {}).values()
        self.reported.index += sum(index["CapacityUnits"] for index in indexes)
        return answer

    def _image(self, key: dict[str, str]) -> dict[str, Any] | None:
        found = self.table.get_item(Key=key, ConsistentRead=True).get("Item")
        return dict(found) if found else None


def images(record: Mapping[str, Any], which: str) -> dict[str, Any]:
    """A stream record's image, as plain values."""
    plain = TypeDeserializer().deserialize
    return {name: plain(value) for name, value in record["dynamodb"][which].items()}
