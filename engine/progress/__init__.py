"""Events folded into numbers: for bars and lines of this process, and published for other terminals."""
