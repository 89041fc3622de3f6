"""How it is shown: bars, lines, JSON, log file."""
