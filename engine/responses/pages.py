"""Lists that come in pages.  Services ignore the marker, repeat pages or invent markers: every list ends here."""

from collections.abc import Hashable

from ..errors import Refused


class Pages:
    """Decides whether a list goes on after a page.

    Args:
        operation: S3's name of the call.
        max_pages, max_rows: A list with more is refused.
    """

    def __init__(self, operation: str, *, max_pages: int, max_rows: int) -> None:
        self._operation = operation
        self._max_pages = max_pages
        self._max_rows = max_rows
        self._pages = 0
        self._rows = 0
        self._markers: set[Hashable] = set()

    def has_next(self, *, truncated: bool, rows: int, new_rows: int, marker: Hashable) -> bool:
        """True when the next page is worth a request.

        Args:
            truncated: The service says that more is to come.
            rows, new_rows: How many the page had, and how many of them were on no page before.
            marker: Where the next page begins; one that was used before leads nowhere.

        Raises:
            Refused: the list is longer than any that a service can have.
        """
        self._pages += 1
        self._rows += rows
        if not truncated or not new_rows or not marker or marker in self._markers:
            return False
        if self._pages >= self._max_pages or self._rows > self._max_rows:
            raise Refused(
                f"the list that {self._operation} gives has no end: the service says that more is to come after "
                f"{self._pages:,} pages with {self._rows:,} rows; check the endpoint",
                operation=self._operation,
                code="EndlessList",
            )
        self._markers.add(marker)
        return True
