"""Upload many files to one destination: send, record, resume."""
