"""boto3's own upload_file, as its documentation shows it: FILE BUCKET KEY ENDPOINT PART_MIB."""

import sys

import boto3
from boto3.s3.transfer import TransferConfig

source, bucket, key, endpoint, part_mib = sys.argv[1:]
part_size = int(part_mib) * 1024 * 1024
client = boto3.client("s3", endpoint_url=endpoint)
settings = TransferConfig(multipart_threshold=part_size, multipart_chunksize=part_size)
client.upload_file(source, bucket, key, Config=settings)
