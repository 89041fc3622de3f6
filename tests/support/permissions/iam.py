"""Which IAM actions a request is checked for, as S3 does, and a policy that denies some of them.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
"""

from tests.support.s3_model.errors import S3Error
from tests.support.s3_server.routes import Operation, RequestHead

_ACTIONS = {
    Operation.PUT_OBJECT: "s3:PutObject",
    Operation.CREATE_MULTIPART_UPLOAD: "s3:PutObject",
    Operation.UPLOAD_PART: "s3:PutObject",
    Operation.COMPLETE_MULTIPART_UPLOAD: "s3:PutObject",
    Operation.ABORT_MULTIPART_UPLOAD: "s3:AbortMultipartUpload",
    Operation.LIST_PARTS: "s3:ListMultipartUploadParts",
    Operation.LIST_MULTIPART_UPLOADS: "s3:ListBucketMultipartUploads",
    Operation.HEAD_OBJECT: "s3:GetObject",
    Operation.GET_OBJECT: "s3:GetObject",
    Operation.GET_OBJECT_ATTRIBUTES: "s3:GetObject",
    Operation.DELETE_OBJECT: "s3:DeleteObject",
    Operation.HEAD_BUCKET: "s3:ListBucket",
}
# Operations that the strict S3 has not, by what their address asks for.
_QUESTIONS = {
    "versioning": "s3:GetBucketVersioning",
    "object-lock": "s3:GetBucketObjectLockConfiguration",
    "lifecycle": "s3:GetLifecycleConfiguration",
}
_HEADERS = (
    ("x-amz-acl", "s3:PutObjectAcl"),
    ("x-amz-grant-", "s3:PutObjectAcl"),
    ("x-amz-tagging", "s3:PutObjectTagging"),
    ("x-amz-object-lock-mode", "s3:PutObjectRetention"),
    ("x-amz-object-lock-legal-hold", "s3:PutObjectLegalHold"),
)
_BEGIN = (Operation.PUT_OBJECT, Operation.CREATE_MULTIPART_UPLOAD)
# S3 decrypts what is there of an upload, to add to it, and the checksum of an object, to show it.
_CONTINUE = (Operation.CREATE_MULTIPART_UPLOAD, Operation.UPLOAD_PART, Operation.COMPLETE_MULTIPART_UPLOAD)
_MODE = "x-amz-checksum-mode"


class Policy:
    """Allows everything but what is denied.

    Args:
        denied: IAM actions.

    asked: every action that a request was checked for.
    encrypted: keys of the uploads and objects that were begun with a KMS key.
    """

    def __init__(self, *denied: str) -> None:
        self.denied = frozenset(denied)
        self.asked: set[str] = set()
        self.encrypted: set[str] = set()

    def check(self, head: RequestHead) -> None:
        """Refuse a request that needs what is denied.

        Raises:
            S3Error: AccessDenied.
        """
        if head.operation in _BEGIN and head.headers.get("x-amz-server-side-encryption") == "aws:kms":
            self.encrypted.add(head.key)
        self._need(*_actions(head))
        if head.key in self.encrypted and head.operation in _BEGIN:
            self._need("kms:GenerateDataKey")
        if head.key in self.encrypted and (head.operation in _CONTINUE or _MODE in head.headers):
            self._need("kms:Decrypt")

    def hide(self, head: RequestHead) -> None:
        """Refuse to say that an object is not there, which is for those who may list the bucket.

        Raises:
            S3Error: AccessDenied.
        """
        if head.operation in (Operation.HEAD_OBJECT, Operation.GET_OBJECT):
            self._need("s3:ListBucket")

    def _need(self, *actions: str) -> None:
        self.asked.update(actions)
        for action in actions:
            if action in self.denied:
                raise S3Error("AccessDenied", 403, f"User is not authorized to perform: {action}")


def _actions(head: RequestHead) -> list[str]:
    if not head.bucket:
        return ["s3:ListAllMyBuckets"]
    for question, action in _QUESTIONS.items():
        if question in head.query and not head.key:
            return [action]
    found = [_ACTIONS[head.operation]] if head.operation in _ACTIONS else []
    if head.operation in _BEGIN:
        found += [action for prefix, action in _HEADERS if any(name.startswith(prefix) for name in head.headers)]
    return found
