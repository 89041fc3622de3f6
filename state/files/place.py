"""The default state directory."""

from pathlib import Path


def default_directory() -> Path | None:
    """The platform's directory for this user's state; None for a user who has no home directory."""
    import platformdirs  # not needed when the directory is given

    try:
        directory = platformdirs.user_state_path("partway")
    except RuntimeError:
        return None
    return directory if directory.is_absolute() else None
