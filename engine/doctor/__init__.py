"""Check credentials, endpoint, bucket and permissions by a trial upload."""
