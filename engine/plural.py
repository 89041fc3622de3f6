"""Numbers with nouns for messages: ``1 part``, ``1,234 parts``."""


def plural(count: int, noun: str, nouns: str | None = None) -> str:
    """The number with its noun.

    noun: the singular.
    nouns: the plural; None appends an s.
    """
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


def verb(count: int, one: str = "is", many: str = "are") -> str:
    """The verb form for this number."""
    return one if count == 1 else many
