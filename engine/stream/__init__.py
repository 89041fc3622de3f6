"""Upload a stream, whose bytes can be read only once."""
