"""Afterwards: verify an object, find abandoned uploads, delete history."""
