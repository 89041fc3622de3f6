"""``partway list``."""

import json
from pathlib import Path

import click

from partway.state.store import StateStore
from partway.state.uploads import UNFINISHED

from ..options import shared
from ..output.upload_tables import print_all
from ..runtime import exit_codes
from ..runtime.store import read_only_store
from ..status.facts import NO_PARTS, facts, job_facts
from ..status.job import job_rows, jobs_now


@click.command("list", epilog="Example:  partway list --all")
@click.option("--all", "everything", is_flag=True, help="Include completed and cancelled ones.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
@shared.state_dir_option
def command(everything: bool, as_json: bool, state_dir: Path | None) -> int:
    """List unfinished uploads and jobs, oldest first, and which of them are running."""
    with read_only_store(state_dir) as store:
        rows = {row.record.id: row for row in store.live.all()}
        statuses = None if everything else UNFINISHED
        records, totals = store.uploads(statuses=statuses), store.all_part_totals(statuses=statuses)
        jobs = store.jobs.all(open_only=not everything)
        rows |= job_rows(store, jobs, rows)
        jobs = jobs_now(store, jobs, rows)
        if as_json:
            for record in records:
                print(json.dumps(facts(record, rows.get(record.id), totals.get(record.id, NO_PARTS))))
            for job in jobs:
                print(json.dumps(job_facts(job, rows.get(job.id))))
        elif not print_all(records, totals, jobs, rows):
            print("no uploads yet" if everything else "no unfinished uploads")
    return exit_codes.OK


def print_unfinished(store: StateStore) -> None:
    """Print the tables of unfinished uploads and jobs that are not running."""
    rows = {row.record.id: row for row in store.live.all()}
    jobs = jobs_now(store, store.jobs.all(open_only=True), {})
    print_all(store.uploads(statuses=UNFINISHED), store.all_part_totals(statuses=UNFINISHED), jobs, rows)
