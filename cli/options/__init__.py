"""What may be typed: options, their values, bundles of them."""
