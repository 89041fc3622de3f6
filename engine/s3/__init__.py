"""Implement the backend protocols with botocore."""
