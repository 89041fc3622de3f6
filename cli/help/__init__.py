"""What helps to type a command: help in groups, `partway help`, and usage errors."""
