"""The S3 calls the engine makes, as protocols, and the values that cross them."""
