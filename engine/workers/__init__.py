"""The threads: the pool, coroutines side by side, the task of one part."""
