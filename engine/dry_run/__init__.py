"""Dry runs: what an upload, a job or a stream would do."""
