"""One file from lock to proof: create, send, complete, verify, abort."""
