"""What each command may not do without: single IAM actions are denied, and docs/permissions.md has what comes of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.permission_lab import Lab
from tests.support.permission_stories import STORIES, Story
from tests.support.permissions import page

PAGE = Path(__file__).parents[1] / "docs" / "permissions.md"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """One server for all stories."""
    with Lab() as lab:
        yield lab


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_a_command_needs_no_more_than_the_page_says(lab: Lab, story: Story) -> None:
    """The command fails without the actions that it needs, and ends well without each of the others."""
    assert lab.tell(story) == story.expected


@pytest.mark.parametrize("name", ["`upload`, less than one part", "`upload`, several parts", "`resume`", "`upload -`"])
def test_put_object_alone_suffices(lab: Lab, name: str) -> None:
    """Without every other action at once, the upload is done and proven all the same."""
    (story,) = (story for story in STORIES if story.name == name)
    ended = lab.play(story, *story.expected.same)

    assert (ended.code, story.expected.needs) == (0, ("s3:PutObject",))
    assert "verified crc64nvme of the whole object" in ended.said


def test_the_page_is_what_the_stories_say() -> None:
    """docs/permissions.md is up to date; ``python -m tests.support.permissions > docs/permissions.md`` makes it so."""
    assert PAGE.read_text() == page(lambda story: story.expected)
