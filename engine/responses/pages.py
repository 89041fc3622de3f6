"""Read paginated lists.  Some services ignore the marker, repeat pages or invent markers; here every list ends."""

from collections.abc import Hashable, Sequence
from typing import Any

from ..errors import Refused


class Pages:
    """Decides whether another page of a list is requested.

    Args:
        operation: S3's name for the call.
        max_pages, max_rows: A longer list is refused.
    """

    def __init__(self, operation: str, *, max_pages: int, max_rows: int) -> None:
        self._operation = operation
        self._max_pages = max_pages
        self._max_rows = max_rows
        self._pages = 0
        self._rows = 0
        self._markers: set[Hashable] = set()
        self._numbers: set[int] = set()

    def has_next(self, *, truncated: bool, rows: int, new_rows: int, marker: Hashable) -> bool:
        """True when the next page is worth a request.

        Args:
            truncated: True when the service reports that more rows follow.
            rows, new_rows: The number of rows on the page, and of those that were on no earlier page.
            marker: Where the next page starts; a marker that was used before is ignored.

        Raises:
            Refused: the list is longer than ``max_pages`` or ``max_rows``.
        """
        self._pages += 1
        self._rows += rows
        if not truncated or not new_rows or not marker or marker in self._markers:
            return False
        if self._pages >= self._max_pages or self._rows > self._max_rows:
            raise Refused(
                f"the list returned by {self._operation} does not end: the service announces more after "
                f"{self._pages:,} pages with {self._rows:,} rows; check the endpoint",
                operation=self._operation,
                code="EndlessList",
            )
        self._markers.add(marker)
        return True

    def next_part_marker(self, answer: Any, numbers: Sequence[int]) -> int | None:
        """Where the next page of parts starts; None when no further page is worth a request.

        Args:
            answer: The page; if it has no marker, its last part number is used.
            numbers: The part numbers on it, in its order.

        Raises:
            Refused: as ``has_next``.
        """
        new = set(numbers) - self._numbers
        self._numbers |= new
        marker: int = answer.get("NextPartNumberMarker") or (numbers[-1] if numbers else 0)
        truncated = bool(answer.get("IsTruncated"))
        goes_on = self.has_next(truncated=truncated, rows=len(numbers), new_rows=len(new), marker=marker)
        return marker if goes_on else None
