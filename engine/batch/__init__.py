"""Several files, each to a destination of its own, from one set of workers."""
