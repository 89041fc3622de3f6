"""Maintenance: verify objects, find and remove abandoned uploads, delete history."""
