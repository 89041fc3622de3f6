"""The program of ``--from-command``: its shell, its processes, its end."""
