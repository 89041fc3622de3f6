"""What services and proxies respond: errors, documents, redirects, missing headers."""
