"""One upload under way: its settings, its record, and what its steps share."""
