"""Which failures are retried and for how long; the endpoint that is unreachable."""
