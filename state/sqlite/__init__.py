"""The store in one SQLite file: connection, rows, migrations."""
