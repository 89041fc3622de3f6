"""boto3's errors for those of the engine."""

from boto3.exceptions import S3UploadFailedError

from ..errors import PartwayError


def as_boto3(error: PartwayError, source: str, bucket: str, key: str) -> BaseException:
    """What boto3 would have raised: the error of botocore or of the source that is behind this one.

    What boto3 does not detect, such as an object that differs from its source, is an S3UploadFailedError.
    """
    cause: BaseException | None = error
    while isinstance(cause, PartwayError):
        cause = cause.__cause__
    if cause is not None:
        return cause
    failed = S3UploadFailedError(f"Failed to upload {source} to {bucket}/{key}: {error}")
    failed.__cause__ = error
    return failed
