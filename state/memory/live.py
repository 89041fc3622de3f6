"""Progress snapshots in memory."""

from ..live import LiveSnapshot, PaceRequest, ProgressSnapshot


class MemoryLive:
    """The snapshots of the runs of this process."""

    def __init__(self) -> None:
        self._records: dict[str, ProgressSnapshot] = {}
        self._paces: dict[str, PaceRequest] = {}

    def publish(self, record: ProgressSnapshot) -> None:
        self._records[record.id] = record

    def remove(self, id: str) -> None:
        self._records.pop(id, None)
        self._paces.pop(id, None)

    def get(self, id: str) -> LiveSnapshot | None:
        record = self._records.get(id)
        return None if record is None else LiveSnapshot(record=record, alive=record.ended is None)

    def all(self) -> list[LiveSnapshot]:
        return [row for id in sorted(self._records) if (row := self.get(id)) is not None]

    def running(self) -> list[LiveSnapshot]:
        return [row for row in self.all() if row.alive]

    def request_pace(self, id: str, request: PaceRequest | None) -> None:
        if request is None:
            self._paces.pop(id, None)
        else:
            self._paces[id] = request

    def requested_pace(self, id: str) -> PaceRequest | None:
        return self._paces.get(id)
