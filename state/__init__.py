"""What is remembered about uploads: records, the store protocol, and its two implementations."""
