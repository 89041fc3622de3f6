"""Command-line options, their values, and bundles of them."""
