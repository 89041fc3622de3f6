"""Requests that are sent without botocore: their signature, and the way over a connection that botocore opened."""
