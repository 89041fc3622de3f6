"""Which files a job has: sources, lists, filters, keys."""
