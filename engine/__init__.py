"""The library: plan, send, resume and prove uploads.  No terminal and no SQL.

Start at ``partway.engine.upload.file``.
"""
