"""Text for a terminal: escaping, encoding, units, columns."""
