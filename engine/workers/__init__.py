"""Threads: the worker pool, concurrent uploads as coroutines, and the task that sends one part."""
