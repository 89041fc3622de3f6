"""The messages about events and their status text, used by bars, lines and log files alike."""
