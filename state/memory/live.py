"""Progress snapshots in memory."""

from ..live import LiveSnapshot, ProgressSnapshot


class MemoryLive:
    """The snapshots of the runs of this process."""

    def __init__(self) -> None:
        self._records: dict[str, ProgressSnapshot] = {}

    def publish(self, record: ProgressSnapshot) -> None:
        self._records[record.id] = record

    def remove(self, id: str) -> None:
        self._records.pop(id, None)

    def get(self, id: str) -> LiveSnapshot | None:
        record = self._records.get(id)
        return None if record is None else LiveSnapshot(record=record, alive=record.ended is None)

    def all(self) -> list[LiveSnapshot]:
        return [row for id in sorted(self._records) if (row := self.get(id)) is not None]

    def running(self) -> list[LiveSnapshot]:
        return [row for row in self.all() if row.alive]
