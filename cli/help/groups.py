"""Help in groups: the ten most common options, then the others by topic."""

import click

_COMMON = (
    "recursive",
    "exclude",
    "skip_same",
    "storage_class",
    "concurrency",
    "bwlimit",
    "endpoint_url",
    "profile",
    "dry_run",
    "quiet",
)
_GROUPS = {
    "Source": (
        "include",
        "min_size",
        "max_size",
        "newer_than",
        "older_than",
        "order",
        "files_from",
        "follow_symlinks",
        "key_encoding",
        "fail_if_empty",
        "from_command",
        "expected_size",
        "allow_empty",
        "verify_source",
        "check_updated",
    ),
    "Destination": ("no_overwrite", "expected_bucket_owner", "request_payer"),
    "Object": (
        "content_type",
        "no_guess_mime_type",
        "content_encoding",
        "content_disposition",
        "content_language",
        "cache_control",
        "expires",
        "website_redirect",
        "metadata",
        "preserve",
        "tagging",
        "acl",
        "grants",
        "checksum_algorithm",
        "verify_each",
        "sse",
        "sse_kms_key_id",
        "sse_bucket_key",
        "sse_c",
        "sse_c_key",
        "object_lock_mode",
        "object_lock_retain_until_date",
        "object_lock_legal_hold",
    ),
    "Speed": ("max_duration", "part_size", "max_parts", "equal_parts"),
    "Resume": ("restart", "adopt", "prune", "fail_fast", "retry_for", "state_dir"),
    "Output": ("verbose", "debug", "color", "progress_interval", "no_progress", "as_json", "log_file", "help"),
    "Connection": (
        "region",
        "ca_bundle",
        "no_verify_ssl",
        "no_sign_request",
        "cli_connect_timeout",
        "cli_read_timeout",
    ),
}
_MANY = 10  # options in a list without headings, at most
_SMALLEST = 3  # options under a heading, at least
_COLUMN = 26  # width of the option names


class GroupedCommand(click.Command):
    """A command whose help has a heading for each group of options, if it has many.

    Options in no group are specific to this command: they come first, with the common ones.
    """

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        options = [param for param in self.get_params(ctx) if isinstance(param, click.Option)]
        records = {_name(option): option.get_help_record(ctx) for option in options}
        rows = {name: record for name, record in records.items() if record is not None}
        if len(rows) <= _MANY:
            super().format_options(ctx, formatter)
            return
        there = {title: [name for name in names if name in rows] for title, names in _GROUPS.items()}
        large = {title: names for title, names in there.items() if len(names) >= _SMALLEST}
        rest = [name for title, names in there.items() if title not in large for name in names]
        common = [name for name in _COMMON if name in rows]
        grouped = {*common, *(name for names in there.values() for name in names)}
        own = [name for name in rows if name not in grouped]
        _write(formatter, "Options" if own or rest else "Common options", [rows[name] for name in own + common + rest])
        for title, names in large.items():
            _write(formatter, title, [rows[name] for name in names])


def ungrouped(command: click.Command) -> list[str]:
    """The names of the visible options that are in no group."""
    known = {*_COMMON, *(name for names in _GROUPS.values() for name in names)}
    shown = [param for param in command.params if isinstance(param, click.Option) and not param.hidden]
    return [_name(option) for option in shown if _name(option) not in known]


def _name(option: click.Option) -> str:
    """The option's name; click's name for --help depends on its version."""
    return "help" if "--help" in option.opts else str(option.name)


def _write(formatter: click.HelpFormatter, title: str, rows: list[tuple[str, str]]) -> None:
    """A heading and its rows; descriptions start in the same column in all groups."""
    name, text = rows[0]
    with formatter.section(title):
        formatter.write_dl([(name.ljust(_COLUMN), text), *rows[1:]], col_max=_COLUMN)
