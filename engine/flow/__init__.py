"""How much goes at once: concurrency, back-off on SlowDown, bandwidth, stalls."""
