"""Errors about arguments."""

from partway.state.errors import PartwayError


class OptionError(PartwayError, ValueError):
    """An argument is not valid; nothing was read or sent."""


class UnknownOption(OptionError, TypeError):
    """There is no option of this name."""
