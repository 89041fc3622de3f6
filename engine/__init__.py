"""The library: plan, send, resume and prove uploads.  No terminal and no SQL; start at ``partway.engine.upload``."""
