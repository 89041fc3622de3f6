"""Events folded into numbers, and published for other terminals."""
