"""Progress computed from events: for this process's output, and published for ``partway watch``."""
