"""The database's schema, as numbered migrations.  A migration that was released is never edited: add another."""

MIGRATION_SET = "partway"

MIGRATIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "0001_uploads_parts_endpoints",
        (
            # mtime_ns, inode and device are text: each may exceed SQLite's signed 64 bits.
            # source and key are text, or the raw bytes of a name that is not UTF-8.
            """
            CREATE TABLE uploads (
                id TEXT PRIMARY KEY,
                status TEXT NOT NULL,
                source NOT NULL,
                size INTEGER NOT NULL,
                mtime_ns TEXT NOT NULL,
                inode TEXT NOT NULL,
                device TEXT NOT NULL,
                bucket TEXT NOT NULL,
                key NOT NULL,
                endpoint TEXT NOT NULL,
                region TEXT,
                profile TEXT,
                options TEXT NOT NULL,
                part_size INTEGER NOT NULL,
                checksum_algorithm TEXT NOT NULL,
                upload_id TEXT,
                run INTEGER NOT NULL,
                created_at REAL NOT NULL,
                updated_at REAL NOT NULL,
                abort_date REAL,
                holder TEXT,
                etag TEXT,
                proof TEXT
            )
            """,
            "CREATE INDEX uploads_by_target ON uploads (bucket, key)",
            # Clustered by upload and number: 10,000 parts stay below a megabyte and are read in order.
            """
            CREATE TABLE parts (
                upload TEXT NOT NULL REFERENCES uploads (id) ON DELETE CASCADE,
                number INTEGER NOT NULL,
                size INTEGER NOT NULL,
                etag TEXT NOT NULL,
                checksum TEXT NOT NULL,
                run INTEGER NOT NULL,
                PRIMARY KEY (upload, number)
            ) WITHOUT ROWID
            """,
            """
            CREATE TABLE endpoints (
                endpoint TEXT PRIMARY KEY,
                checksum_algorithm TEXT NOT NULL,
                learned_at REAL NOT NULL
            ) WITHOUT ROWID
            """,
        ),
    ),
    (
        "0002_jobs",
        (
            """
            CREATE TABLE jobs (
                id TEXT PRIMARY KEY,
                status TEXT NOT NULL,
                spec TEXT NOT NULL,
                target TEXT NOT NULL,
                endpoint TEXT NOT NULL,
                region TEXT,
                profile TEXT,
                created_at REAL NOT NULL,
                updated_at REAL NOT NULL,
                done INTEGER NOT NULL,
                skipped INTEGER NOT NULL,
                failed INTEGER NOT NULL,
                bytes INTEGER NOT NULL,
                holder TEXT
            )
            """,
            # Keys are UTF-8: other keys are refused earlier.  mtime_ns is text, as in uploads.
            """
            CREATE TABLE job_files (
                job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
                key TEXT NOT NULL,
                size INTEGER NOT NULL,
                mtime_ns TEXT NOT NULL,
                status TEXT NOT NULL,
                note TEXT NOT NULL,
                PRIMARY KEY (job, key)
            ) WITHOUT ROWID
            """,
            # The job that owns the upload, or NULL.
            "ALTER TABLE uploads ADD COLUMN job TEXT",
        ),
    ),
    (
        "0003_identity",
        (
            # ctime and inode are text, like the other fields of stat; NULL (rows of earlier versions) means unknown.
            "ALTER TABLE uploads ADD COLUMN ctime_ns TEXT",
            "ALTER TABLE job_files ADD COLUMN inode TEXT",
            "ALTER TABLE job_files ADD COLUMN ctime_ns TEXT",
            # The checksum algorithm that the user named; NULL means the default.
            "ALTER TABLE uploads ADD COLUMN wanted_algorithm TEXT",
            # The service's clock when it created the multipart upload; NULL means unknown.
            "ALTER TABLE uploads ADD COLUMN remote_created_at REAL",
        ),
    ),
    (
        "0004_command",
        (
            # How to start the upload of a stream again; NULL means unknown, or not a stream.
            "ALTER TABLE uploads ADD COLUMN command TEXT",
        ),
    ),
    (
        "0005_paths_of_job_files",
        (
            # Where it does not follow from the key: text, or the raw bytes of a name that is not UTF-8.
            "ALTER TABLE job_files ADD COLUMN path",
        ),
    ),
)
