"""Prove that an object equals a file."""
