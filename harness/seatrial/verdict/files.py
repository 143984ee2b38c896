"""Writing a file that a reader never sees half-written."""

import contextlib
import errno
import os
import secrets
import stat
from pathlib import Path

from seatrial.model.errors import ConfigurationError

_READ_ONLY = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})


def write_atomic(path: Path, text: str, *, way_out: str) -> None:
    """Replace the file in one step: temporary file beside it, fsync, `os.replace`.

    A link is followed, so that the file it names is replaced and not the link. An existing file keeps its mode, a new
    one gets what the umask allows. Lone surrogates (file names that are not UTF-8) become `\\udcxx`, as in JSON.

    Raises:
        ConfigurationError: The place cannot be written; ends with `way_out`.
    """
    data = text.encode("utf-8", "backslashreplace")
    real = Path(os.path.realpath(path))
    temporary = real.with_name(f".{real.name}.{secrets.token_hex(6)}.tmp")
    try:
        if _is_stream(path):
            path.write_bytes(data)
            return
        real.parent.mkdir(parents=True, exist_ok=True)
        _write_and_sync(temporary, data, mode=_mode(real))
        os.replace(temporary, real)
        _sync_folder(real.parent)
    except OSError as error:
        why = "the checkout is read-only" if error.errno in _READ_ONLY else (error.strerror or str(error))
        raise ConfigurationError(f"{path} cannot be written: {why}. {way_out}") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _is_stream(path: Path) -> bool:
    """`/dev/stdout`, a pipe: nothing that could be replaced."""
    return path.exists() and not path.is_file() and not path.is_dir()


def _mode(path: Path) -> int | None:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return None


def _write_and_sync(path: Path, data: bytes, *, mode: int | None) -> None:
    # O_EXCL: never follow or reuse something that already lies there. 0o666 lets the umask decide for a new file.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    with os.fdopen(descriptor, "wb") as file:
        if mode is not None:
            os.fchmod(descriptor, mode)
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def _sync_folder(folder: Path) -> None:
    """Make the new name durable too. Some file systems refuse to sync a folder; the data itself is safe by then."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return
    try:
        with contextlib.suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
