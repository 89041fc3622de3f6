"""Logging for -v, -vv, --debug and PARTWAY_LOG: events, requests, and headers with secrets masked."""
