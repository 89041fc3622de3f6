"""Resume what an earlier run left: lock the upload, and decide which of its parts are kept."""
