"""The source file: its identity, its split into parts, and a reader for one part."""
