"""Log lines for -v, -vv, --debug and PARTWAY_LOG: events, requests, and the wire with secrets masked."""
