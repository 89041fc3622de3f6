"""Uploads of bytes that can be read only once."""
