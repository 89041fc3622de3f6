"""Flow control: adaptive concurrency, back-off on SlowDown, bandwidth limit, stall detection."""
