"""The jobs in the store: which one a command resumes, who holds it, what later ones wrote, how one is cancelled."""
