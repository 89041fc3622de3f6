"""The command and the library have the same options, under the same names; what differs is listed here."""

from partway._arguments.options import ClientOptions, JobOptions, UploadOptions
from partway.cli.commands.upload import command

OTHER_NAMES = {"bwlimit": "bandwidth", "no_guess_mime_type": "guess_mime_type", "skip_same": "skip_existing"}
OF_THE_COMMAND = {
    # Arguments of the call itself.
    "sources",
    "target",
    "recursive",
    # Calls of their own: plan(), and a Future's cancel().
    "dry_run",
    "max_duration",
    # Output, for which a program has events.
    "as_json",
    "log_file",
    "no_progress",
    "progress_interval",
    "quiet",
    # A program hands in a session or a client, which says all of this, and a key as bytes.
    "ca_bundle",
    "cli_connect_timeout",
    "cli_read_timeout",
    "no_sign_request",
    "no_verify_ssl",
    "sse_c",
    # A program reads its own pipes.
    "from_command",
}
OF_THE_LIBRARY = {"callback", "client", "on_event", "progress", "session"}


def test_an_option_of_one_is_an_option_of_the_other() -> None:
    """A new one belongs to both, or into one of the lists."""
    typed = {param.name for param in command.params if not getattr(param, "hidden", False)}
    of_command = {OTHER_NAMES.get(name or "", name) for name in typed}
    of_library = {name for kind in (UploadOptions, JobOptions, ClientOptions) for name in kind.__optional_keys__}

    assert of_command - OF_THE_COMMAND == of_library - OF_THE_LIBRARY
