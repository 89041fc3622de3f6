"""The command line: options, output, exit codes.  No upload logic."""
