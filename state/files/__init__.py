"""What is kept in files beside the database: locks and progress snapshots."""
