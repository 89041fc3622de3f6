"""A store in memory: for tests, and for callers that need no file."""
