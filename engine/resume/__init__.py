"""What an earlier run left: its lock, its parts, and which of them are kept."""
