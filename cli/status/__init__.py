"""Uploads and jobs as users see them: JSON fields, snapshots of running ones, part maps."""
