"""What an upload, a job or a stream would do."""
