"""The file: its identity, how it is cut, and the window on one part of it."""
