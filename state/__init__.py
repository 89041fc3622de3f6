"""The state of uploads and jobs: records, the store protocol, and its two implementations."""
