"""What ``upload`` and ``resume`` have in common: sources, streams, jobs, dry runs."""
