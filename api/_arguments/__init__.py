"""What callers pass: its types, and the checks before anything is sent."""
