"""Writing so that it is there after a power cut, or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

_NO_SUCH_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EISDIR, errno.EPERM}


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep other processes and threads that want it alone out of a folder, where the system has locks for that."""
    with ExitStack() as held:
        with suppress(OSError, ImportError):
            import fcntl

            fd = os.open(folder, os.O_RDONLY)
            held.callback(os.close, fd)
            fcntl.flock(fd, fcntl.LOCK_EX)
        yield


def write(path: Path, content: bytes) -> None:
    """Write a file anew, through to the disk. Raises OSError, and then leaves no file.

    What stood there is removed first, never written through: it may be a link that somebody planted.
    """
    remove(path)
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o640)
        try:
            write_all(fd, content)
            os.fsync(fd)
        finally:
            os.close(fd)
    except OSError:
        remove(path)
        raise


def write_all(fd: int, content: bytes) -> None:
    """Write all of it: a disk that takes less than it is given is full, and says so on the next write."""
    left = memoryview(content)
    while left:
        left = left[os.write(fd, left) :]


def remove(path: Path) -> None:
    """Remove a file if it is there and can be removed."""
    with suppress(OSError):
        path.unlink()


def sync_folder(path: Path) -> None:
    """Make the names in a folder last, where the system can do that. Raises OSError."""
    try:
        fd = os.open(path, os.O_RDONLY)
    except OSError as error:
        if error.errno in _NO_SUCH_SYNC:
            return
        raise
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in _NO_SUCH_SYNC:
            raise
    finally:
        os.close(fd)
