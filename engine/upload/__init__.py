"""Upload one file: lock, create, send, complete and verify, or abort."""
