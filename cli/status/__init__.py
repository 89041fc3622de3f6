"""The store as users see it: JSON facts, snapshots of what runs, part maps."""
