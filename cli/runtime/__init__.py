"""What every command needs: store, backend, signals, exit codes, hints."""
