"""``partway demo`` and its server."""
