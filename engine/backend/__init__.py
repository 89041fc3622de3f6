"""The S3 calls that the engine makes, as protocols, and the values they take and return."""
