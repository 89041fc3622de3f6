"""How progress and results are shown: bars, lines, JSON, log file."""
