"""The numbers that bars and lines show."""
