"""obstore's put: FILE BUCKET KEY ENDPOINT PART_MIB [--unsigned]."""

import sys
from pathlib import Path

import obstore
from obstore.store import S3Store

source, bucket, key, endpoint, part_mib, *flags = sys.argv[1:]
store = S3Store(
    bucket,
    endpoint=endpoint,
    virtual_hosted_style_request=False,
    unsigned_payload="--unsigned" in flags,
    client_options={"allow_http": True, "allow_invalid_certificates": True},
)
obstore.put(store, key, Path(source), chunk_size=int(part_mib) * 1024 * 1024)
