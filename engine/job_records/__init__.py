"""Jobs in the store: which one a command resumes, their locks, what later jobs wrote, and how a job is cancelled."""
