"""Numbers of things in messages."""

import pytest

from partway.engine.plural import plural, verb


@pytest.mark.parametrize(("count", "text"), [(0, "0 parts"), (1, "1 part"), (2, "2 parts"), (12345, "12,345 parts")])
def test_one_is_singular(count: int, text: str) -> None:
    """Any other number is plural, with commas between thousands."""
    assert plural(count, "part") == text


def test_an_irregular_plural_is_named() -> None:
    """Nouns that take more than an s."""
    assert (plural(1, "retry", "retries"), plural(2, "retry", "retries")) == ("1 retry", "2 retries")


def test_the_verb_agrees() -> None:
    """Is and are, or what is given."""
    assert [verb(count) for count in (0, 1, 2)] == ["are", "is", "are"]
    assert [verb(count, "was", "were") for count in (1, 2)] == ["was", "were"]
