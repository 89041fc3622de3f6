"""The code shared by ``upload`` and ``resume``: sources, streams, jobs, dry runs."""
