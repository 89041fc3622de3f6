"""The permissions of each command: single IAM actions are denied, and docs/permissions.md has the results."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.pages.permissions import page
from tests.support.permissions.lab import Lab
from tests.support.permissions.stories import STORIES, Story

PAGE = Path(__file__).parents[2] / "docs" / "permissions.md"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """One server for all stories."""
    with Lab() as lab:
        yield lab


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_a_command_needs_no_more_than_the_page_says(lab: Lab, story: Story) -> None:
    """The command fails without each required action, and succeeds without each of the others."""
    assert lab.tell(story) == story.expected


@pytest.mark.parametrize("name", ["`upload`, less than one part", "`upload`, several parts", "`resume`", "`upload -`"])
def test_put_object_alone_suffices(lab: Lab, name: str) -> None:
    """Without all other actions, the upload is still completed and verified."""
    (story,) = (story for story in STORIES if story.name == name)
    ended = lab.play(story, *story.expected.same)

    assert (ended.code, story.expected.needs) == (0, ("s3:PutObject",))
    assert "verified crc64nvme of the whole object" in ended.said


def test_the_page_is_what_the_stories_say() -> None:
    """docs/permissions.md is what ``python -m tests.support.pages.permissions > docs/permissions.md`` writes."""
    assert PAGE.read_text() == page(lambda story: story.expected)
