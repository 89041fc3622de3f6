"""The calls over botocore."""
