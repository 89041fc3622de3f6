"""Many files to one prefix: send, record, resume."""
