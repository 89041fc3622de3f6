"""Handle the responses of services and proxies: errors, documents, redirects and missing headers."""
