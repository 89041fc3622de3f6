"""What proves that an object equals a file."""
