"""Run a command as the user would, in this process, where one IAM action is denied."""

import contextlib
import io
import os
import re
import shutil
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Self
from unittest.mock import patch

from partway.cli import main as program
from partway.engine.s3 import client as s3_client
from partway.engine.s3 import session as s3_session
from partway.state.sqlite.store import SqliteStore
from tests.support.s3_access.redirected import Redirected
from tests.support.s3_faults.faults import CloseConnection, Fault, Stage
from tests.support.s3_faults.responses import access_denied
from tests.support.s3_model.model import S3Model
from tests.support.s3_server.server import StrictS3

from .iam import Policy
from .stories import Permissions, Story

MIB = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a command ended.  said: stdout and stderr.  asked: every action that its requests were checked for."""

    code: int
    said: str
    asked: frozenset[str]


class Lab:
    """A server and a folder that all stories share; it works inside ``with``."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with self._stack:
            self._folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="permissions-")))
            self.server = self._stack.enter_context(StrictS3())
            environment = self.server.environment() | {"PARTWAY_STATE_DIR": str(self._folder / "state")}
            del environment["AWS_ENDPOINT_URL"]
            self._environment = environment
            self._stack.enter_context(patch.object(s3_client, "send", Redirected(self.server)))
            # Clients of a default configuration would be those of later tests, too.
            self._stack.enter_context(patch.dict(s3_session._sessions, clear=True))
            self._stack.enter_context(patch.dict(s3_client._clients, clear=True))
            self._stack.callback(_close_clients)
            self._make_files()
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def tell(self, story: Story) -> Permissions:
        """Run the story's command with everything allowed, and then without each action that it used."""
        allowed = self.play(story)
        if allowed.code:
            raise AssertionError(f"{story.name} fails with all permissions: {allowed.said}")
        without = {action: self.play(story, action) for action in sorted(allowed.asked)}
        needs = {action for action, ended in without.items() if ended.code}
        same = {a for a, ended in without.items() if _comparable(ended.said) == _comparable(allowed.said)}
        return Permissions(
            needs=tuple(a for a in without if a in needs),
            less=tuple(a for a in without if a not in needs | same),
            same=tuple(a for a in without if a in same - needs),
        )

    def play(self, story: Story, *denied: str) -> Ended:
        """Run the story's command once, without these actions."""
        shutil.rmtree(self._folder / "state", ignore_errors=True)
        self.server.model = S3Model()
        self.server.faults.clear()
        for arguments in story.before:
            self._run(arguments)
        if story.interrupted:
            self._interrupt(story.interrupted)
        if story.forgotten:
            shutil.rmtree(self._folder / "state")
        policy = Policy(*denied)
        policy.encrypted = {"key"} if story.is_encrypted else set()
        self.server.model.policy = policy
        if story.answer_lost:
            lost = Fault(operation="CompleteMultipartUpload", stage=Stage.AFTER_EFFECT, action=CloseConnection())
            self.server.faults.add(lost)
        code, said = self._run(story.arguments)
        return Ended(code=code, said=said, asked=frozenset(policy.asked))

    def _interrupt(self, arguments: tuple[str, ...]) -> None:
        """Have the last part refused."""
        self.server.faults.add(
            Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=access_denied(), part_number=3, times=None)
        )
        code, said = self._run((*arguments, "-c", "1"))
        self.server.faults.clear()
        if not code:
            raise AssertionError(f"the upload was not interrupted: {said}")

    def _run(self, arguments: tuple[str, ...]) -> tuple[int, str]:
        said = io.StringIO()
        known = {"ID": lambda: self._upload_id(), "URL": lambda: self.server.url}
        arguments = tuple(known[each]() if each in known else each for each in arguments)
        with ExitStack() as stack:
            stack.enter_context(patch.dict(os.environ, self._environment))
            stack.enter_context(contextlib.chdir(self._folder))
            stack.enter_context(patch.object(sys, "argv", ["partway", *arguments]))
            stack.enter_context(contextlib.redirect_stdout(said))
            stack.enter_context(contextlib.redirect_stderr(said))
            code = program._run()
        return code, said.getvalue()

    def _upload_id(self) -> str:
        with contextlib.closing(SqliteStore(self._folder / "state")) as store:
            (record,) = store.uploads()
            return record.id

    def _make_files(self) -> None:
        (self._folder / "small").write_bytes(b"a small file")
        (self._folder / "large").write_bytes(Random(1).randbytes(11 * MIB))
        (self._folder / "folder").mkdir()
        (self._folder / "folder" / "a").write_bytes(b"a")


def _close_clients() -> None:
    for client, _ in s3_client._clients.values():
        client.close()


def _comparable(said: str) -> str:
    """Without what differs from run to run: times, rates, IDs."""
    said = re.sub(r"[0-9a-f]{8,}", "ID", said)
    said = re.sub(r"\d[\d.,]*", "N", said)
    return re.sub(r"N (ms|s|B/s|KiB/s|MiB/s|GiB/s)", "N", said)
