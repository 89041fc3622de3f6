"""The engine: plan, send, resume and verify uploads.  No terminal and no SQL.

Start with ``partway.engine.upload.file``.
"""
