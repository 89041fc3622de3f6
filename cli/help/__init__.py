"""Help for typing commands: options in groups, `partway help`, and usage errors."""
