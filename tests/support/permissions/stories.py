"""The commands whose permissions docs/permissions.md lists."""

from dataclasses import dataclass

SMALL = ("upload", "small", "s3://bucket/key")
LARGE = ("upload", "large", "s3://bucket/key", "-p", "5MiB")
LOCKED = ("--object-lock-mode", "GOVERNANCE", "--object-lock-retain-until-date", "2099-01-01")

DECRYPT = "kms:Decrypt"
GENERATE_DATA_KEY = "kms:GenerateDataKey"
ABORT_MULTIPART_UPLOAD = "s3:AbortMultipartUpload"
DELETE_OBJECT = "s3:DeleteObject"
GET_BUCKET_VERSIONING = "s3:GetBucketVersioning"
GET_LIFECYCLE_CONFIGURATION = "s3:GetLifecycleConfiguration"
GET_OBJECT = "s3:GetObject"
LIST_ALL_MY_BUCKETS = "s3:ListAllMyBuckets"
LIST_BUCKET = "s3:ListBucket"
LIST_BUCKET_MULTIPART_UPLOADS = "s3:ListBucketMultipartUploads"
LIST_MULTIPART_UPLOAD_PARTS = "s3:ListMultipartUploadParts"
PUT_OBJECT = "s3:PutObject"
PUT_OBJECT_ACL = "s3:PutObjectAcl"
PUT_OBJECT_LEGAL_HOLD = "s3:PutObjectLegalHold"
PUT_OBJECT_RETENTION = "s3:PutObjectRetention"
PUT_OBJECT_TAGGING = "s3:PutObjectTagging"


@dataclass(frozen=True, kw_only=True)
class Permissions:
    """IAM actions that a command asks for, each sorted.

    needs: without one the command fails.
    less: without one it succeeds, but says something else: it cannot see, or cannot reuse, what is there.
    same: without one it succeeds and says the same.
    """

    needs: tuple[str, ...]
    less: tuple[str, ...] = ()
    same: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Story:
    """A command, and what was before it.

    name: as the page has it.
    expected: what the test compares, and the page has.
    before: commands that ran to their end, with all permissions.
    interrupted: an upload that was stopped after two of its three parts.
    answer_lost: S3 completes the upload, but its answer does not arrive.
    forgotten: the state folder is gone since.
    """

    name: str
    arguments: tuple[str, ...]
    expected: Permissions
    before: tuple[tuple[str, ...], ...] = ()
    interrupted: tuple[str, ...] = ()
    answer_lost: bool = False
    forgotten: bool = False

    @property
    def is_encrypted(self) -> bool:
        """True when what was there before has a KMS key."""
        return any("aws:kms" in arguments for arguments in (*self.before, self.interrupted))


STORIES = (
    Story(
        name="`upload`, less than one part",
        expected=Permissions(needs=(PUT_OBJECT,), same=(GET_OBJECT,)),
        arguments=SMALL,
    ),
    Story(
        name="`upload`, several parts",
        expected=Permissions(needs=(PUT_OBJECT,), same=(GET_OBJECT, LIST_BUCKET_MULTIPART_UPLOADS)),
        arguments=LARGE,
    ),
    Story(
        name="`upload -r`, files of less than one part",
        expected=Permissions(needs=(PUT_OBJECT,)),
        arguments=("upload", "-r", "folder", "s3://bucket/p/"),
    ),
    Story(
        name="`upload -`",
        expected=Permissions(needs=(PUT_OBJECT,), same=(GET_OBJECT,)),
        arguments=("upload", "-", *LARGE[2:], "--from-command", "cat large"),
    ),
    Story(
        name="the same `upload` after an interruption",
        expected=Permissions(needs=(PUT_OBJECT,), same=(GET_OBJECT, LIST_MULTIPART_UPLOAD_PARTS)),
        interrupted=LARGE,
        arguments=LARGE,
    ),
    Story(
        name="`resume`",
        expected=Permissions(needs=(PUT_OBJECT,), same=(GET_OBJECT, LIST_MULTIPART_UPLOAD_PARTS)),
        interrupted=LARGE,
        arguments=("resume", "--all"),
    ),
    Story(
        name="`resume`, `--sse aws:kms`",
        expected=Permissions(needs=(DECRYPT, PUT_OBJECT), same=(GET_OBJECT, LIST_MULTIPART_UPLOAD_PARTS)),
        interrupted=(*LARGE, "--sse", "aws:kms"),
        arguments=("resume", "--all"),
    ),
    Story(
        name="`upload`, the response to Complete is lost",
        expected=Permissions(needs=(PUT_OBJECT,), less=(GET_OBJECT,), same=(LIST_BUCKET_MULTIPART_UPLOADS,)),
        answer_lost=True,
        arguments=LARGE,
    ),
    Story(
        name="`upload --restart`",
        expected=Permissions(
            needs=(ABORT_MULTIPART_UPLOAD, PUT_OBJECT),
            same=(GET_OBJECT, LIST_BUCKET_MULTIPART_UPLOADS, LIST_MULTIPART_UPLOAD_PARTS),
        ),
        interrupted=LARGE,
        arguments=(*LARGE, "--restart"),
    ),
    Story(
        name="`upload --adopt`",
        expected=Permissions(
            needs=(PUT_OBJECT,), less=(LIST_BUCKET_MULTIPART_UPLOADS, LIST_MULTIPART_UPLOAD_PARTS), same=(GET_OBJECT,)
        ),
        interrupted=LARGE,
        forgotten=True,
        arguments=(*LARGE, "--adopt"),
    ),
    Story(
        name="`upload --no-overwrite`, less than one part",
        expected=Permissions(needs=(PUT_OBJECT,), same=(GET_OBJECT, LIST_BUCKET)),
        arguments=(*SMALL, "--no-overwrite"),
    ),
    Story(
        name="`upload --no-overwrite`, several parts",
        expected=Permissions(needs=(PUT_OBJECT,), same=(GET_OBJECT, LIST_BUCKET, LIST_BUCKET_MULTIPART_UPLOADS)),
        arguments=(*LARGE, "--no-overwrite"),
    ),
    Story(
        name="`upload --no-overwrite`, the key is taken",
        expected=Permissions(needs=(), less=(GET_OBJECT,)),
        before=(SMALL,),
        arguments=("upload", "folder/a", *SMALL[2:], "--no-overwrite"),
    ),
    Story(
        name="`upload --no-overwrite` to a service that may ignore the condition",
        expected=Permissions(needs=(GET_OBJECT, LIST_BUCKET, PUT_OBJECT)),
        arguments=(*SMALL, "--no-overwrite", "--endpoint-url", "URL"),
    ),
    Story(
        name="`upload --skip-existing`",
        expected=Permissions(needs=(), less=(GET_OBJECT,)),
        before=(("upload", "-r", "folder", "s3://bucket/p/"),),
        arguments=("upload", "-r", "folder", "s3://bucket/p/", "--skip-existing"),
    ),
    Story(
        name="`upload --acl`, `--grants`",
        expected=Permissions(needs=(PUT_OBJECT, PUT_OBJECT_ACL), same=(GET_OBJECT, LIST_BUCKET_MULTIPART_UPLOADS)),
        arguments=(*LARGE, "--acl", "private"),
    ),
    Story(
        name="`upload --tagging`",
        expected=Permissions(needs=(PUT_OBJECT, PUT_OBJECT_TAGGING), same=(GET_OBJECT, LIST_BUCKET_MULTIPART_UPLOADS)),
        arguments=(*LARGE, "--tagging", "a=b"),
    ),
    Story(
        name="`upload --object-lock-mode`",
        expected=Permissions(
            needs=(PUT_OBJECT, PUT_OBJECT_RETENTION), same=(GET_OBJECT, LIST_BUCKET_MULTIPART_UPLOADS)
        ),
        arguments=(*LARGE, *LOCKED),
    ),
    Story(
        name="`upload --object-lock-legal-hold`",
        expected=Permissions(
            needs=(PUT_OBJECT, PUT_OBJECT_LEGAL_HOLD), same=(GET_OBJECT, LIST_BUCKET_MULTIPART_UPLOADS)
        ),
        arguments=(*LARGE, "--object-lock-legal-hold", "ON"),
    ),
    Story(
        name="`upload --sse aws:kms`, less than one part",
        expected=Permissions(needs=(GENERATE_DATA_KEY, PUT_OBJECT), same=(DECRYPT, GET_OBJECT)),
        arguments=(*SMALL, "--sse", "aws:kms"),
    ),
    Story(
        name="`upload --sse aws:kms`, several parts",
        expected=Permissions(
            needs=(DECRYPT, GENERATE_DATA_KEY, PUT_OBJECT), same=(GET_OBJECT, LIST_BUCKET_MULTIPART_UPLOADS)
        ),
        arguments=(*LARGE, "--sse", "aws:kms"),
    ),
    Story(
        name="`verify`",
        expected=Permissions(needs=(GET_OBJECT,)),
        before=(SMALL,),
        arguments=("verify", "small", "s3://bucket/key"),
    ),
    Story(
        name="`verify`, `--sse aws:kms`",
        expected=Permissions(needs=(DECRYPT, GET_OBJECT)),
        before=((*SMALL, "--sse", "aws:kms"),),
        arguments=("verify", "small", "s3://bucket/key"),
    ),
    Story(
        name="`cancel`",
        expected=Permissions(needs=(ABORT_MULTIPART_UPLOAD,), less=(LIST_MULTIPART_UPLOAD_PARTS,)),
        interrupted=LARGE,
        arguments=("cancel", "ID"),
    ),
    Story(
        name="`clean s3://bucket`",
        expected=Permissions(
            needs=(ABORT_MULTIPART_UPLOAD, LIST_BUCKET_MULTIPART_UPLOADS), less=(LIST_MULTIPART_UPLOAD_PARTS,)
        ),
        interrupted=LARGE,
        forgotten=True,
        arguments=("clean", "s3://bucket", "--older-than", "0", "--yes"),
    ),
    Story(
        name="`doctor s3://bucket`",
        expected=Permissions(
            needs=(PUT_OBJECT,),
            less=(
                ABORT_MULTIPART_UPLOAD,
                DELETE_OBJECT,
                GET_BUCKET_VERSIONING,
                GET_LIFECYCLE_CONFIGURATION,
                GET_OBJECT,
                LIST_BUCKET,
                LIST_BUCKET_MULTIPART_UPLOADS,
                LIST_MULTIPART_UPLOAD_PARTS,
            ),
            same=(LIST_ALL_MY_BUCKETS,),
        ),
        arguments=("doctor", "s3://bucket"),
    ),
)
