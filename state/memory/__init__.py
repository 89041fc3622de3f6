"""The store that is gone when the process ends: for tests, and for callers without a file."""
