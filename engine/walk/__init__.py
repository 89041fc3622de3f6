"""Find the files of a job: sources, lists, filters, limits, order and keys."""
