"""Retries: which failures are retried and for how long, and what happens while the endpoint is unreachable."""
