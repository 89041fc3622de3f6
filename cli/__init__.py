"""The command line: options, output, exit codes.  No upload logic."""

VERSION = "0.1.0"  # as in pyproject.toml: to ask the installed package takes longer than --version otherwise does
