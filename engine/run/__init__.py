"""One run of an upload: its settings, its record, and the state that its steps share."""
