"""Capacity units: as DynamoDB's documentation counts them, and as an engine reports them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import ClientError

from model.messages import PARTITION_KEY, SORT_KEY, item_bytes
from ops.cost.load import index_units, read_units, write_units


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
        keys = [{name: item[name] for name in (PARTITION_KEY, SORT_KEY)} for item in answer["Items"]]
        size = sum(item_bytes(self._image(key) or {}) for key in keys)
        consistent = bool(request.get("ConsistentRead"))
        self.documented.reads += read_units(size, consistent=consistent)
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
