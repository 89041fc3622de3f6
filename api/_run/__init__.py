"""How uploads run: their threads, the state directory, the calls into the engine."""
