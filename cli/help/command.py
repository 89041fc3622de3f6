"""``partway help [COMMAND]``."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def _names(ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """Command names for shell completion."""
    from click.shell_completion import CompletionItem

    group = ctx.find_root().command
    names = group.list_commands(ctx) if isinstance(group, click.Group) else []
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


@click.command("help", epilog="Example:  partway help upload")
@click.argument("name", required=False, metavar="[COMMAND]", shell_complete=_names)
@click.pass_context
def command(ctx: click.Context, name: str | None) -> None:
    """Show the help of a command, like its --help; without a command, list all commands."""
    parent = ctx.find_root()
    group = parent.command
    assert isinstance(group, click.Group)
    if name is None:
        click.echo(group.get_help(parent))
        return
    _, found, _ = group.resolve_command(parent, [name])
    assert found is not None
    click.echo(found.get_help(click.Context(found, info_name=name, parent=parent)))
