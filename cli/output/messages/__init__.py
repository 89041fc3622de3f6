"""What is told about an event, in words: bars, lines and logs say the same."""
