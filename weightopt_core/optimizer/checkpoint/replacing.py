"""A file that is replaced as a whole: whoever reads it sees the earlier one or the new one.

The new one is written under another name beside it, flushed to the disk, and renamed. A writer
holds a lock on it, which ends with its process: what is there without a lock was left by one that
was killed, and the next to write into the folder removes it.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import stat
from collections.abc import Callable, Iterator
from typing import Any

from ...errors import wording

try:
    import fcntl
except ImportError:  # Windows, which removes no file that is open
    fcntl = None  # type: ignore[assignment]

_LEFT = re.compile(r"\.weightopt-[0-9a-f]{16}\.tmp")
#: Bytes after which a disk may begin with them.
_PORTION = 1 << 24
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


class _File(io.FileIO):
    """A file that goes to the disk while it is still being written, and not only at the end."""

    _given = _begun = 0

    def write(self, data: Any, /) -> int:  # type: ignore[override]
        count = super().write(data)
        self._given += count
        if hasattr(os, "posix_fadvise") and self._given - self._begun >= _PORTION:
            # Linux begins to write what it is told that nobody needs.
            length = self._given - self._begun
            with contextlib.suppress(OSError):
                os.posix_fadvise(self.fileno(), self._begun, length, os.POSIX_FADV_DONTNEED)
            self._begun = self._given
        return count


def replace(path: str, write: Callable[[Any], None], keep: int = 0) -> None:
    """Replace a file by what `write` writes.

    Parameters
    ----------
    path : str
        The file. A symbolic link is followed, as `open` does.
    write : callable
        Takes an unbuffered binary file, and leaves it whole or raises an error.
    keep : int
        How many earlier files stay, as ``path.1``, which is the latest, ``path.2``, and so on.

    Raises
    ------
    OSError
        It names the file, which is as it was, unless the message says otherwise.
    ValueError
        The path is that of a pipe or a device.
    """
    with _naming(path):
        target, mode = _target(path)
        folder = os.path.dirname(target)
        _remove_leftovers(folder)
        with _temporary(folder, mode) as (file, name):
            write(file)
            os.fsync(file.fileno())
            if keep:
                _keep(target, folder, keep)
            # Windows renames no file that is open.
            if fcntl is None:
                file.close()
            os.replace(name, target)
        _flush_folder(folder)


@contextlib.contextmanager
def _naming(path: str) -> Iterator[None]:
    """Let errors of the system name the file that was asked for."""
    try:
        yield
    except OSError as error:
        if error.filename == path:
            raise
        raise OSError(error.errno, error.strerror or str(error), path) from error


def _target(path: str) -> tuple[str, int | None]:
    """Return where a path leads to, and the mode of the file that is there, if there is one."""
    target = os.path.realpath(path)
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return target, None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if not stat.S_ISREG(mode):
        raise ValueError(wording("path", "a file", f"a pipe or a device: {path!r}"))
    os.close(os.open(path, os.O_WRONLY))  # renaming asks for no permission to write
    return target, stat.S_IMODE(mode)


@contextlib.contextmanager
def _temporary(folder: str, mode: int | None = None) -> Iterator[tuple[Any, str]]:
    """Give a new file in `folder`, locked, and its name, to be renamed; else it is removed."""
    while True:
        name = os.path.join(folder, f".weightopt-{os.urandom(8).hex()}.tmp")
        with _File(os.open(name, _FLAGS, 0o666), "r+b") as file:
            # Between the two calls another writer may take it for one that was left.
            if not _lock(file) or not os.path.exists(name):
                continue
            try:
                if mode is not None and hasattr(os, "fchmod"):
                    os.fchmod(file.fileno(), mode)
                yield file, name
            except BaseException:
                if fcntl is None:
                    file.close()
                with contextlib.suppress(OSError):
                    os.unlink(name)
                raise
        return


def _lock(file: Any) -> bool:
    """Lock a file; return False where another has it."""
    if fcntl is not None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # a file system without locks: nothing that is left there is removed
            pass
    return True


def _remove_leftovers(folder: str) -> None:
    """Remove what writers that were killed have left."""
    with os.scandir(folder) as found:
        left = [entry.path for entry in found if _LEFT.fullmatch(entry.name)]
    for name in left:
        # One that is written just now, that is somebody else's, or that is gone.
        with contextlib.suppress(OSError):
            if fcntl is None:
                os.unlink(name)
                continue
            with open(name, "rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(name)


def _keep(target: str, folder: str, keep: int) -> None:
    """Let the present file be ``target.1`` too; earlier ones move up to the first free number."""
    if not os.path.exists(target) or _is_same(target, f"{target}.1"):
        return
    numbers = range(1, keep + 1)
    free = next((n for n in numbers if not os.path.lexists(f"{target}.{n}")), keep)
    # Two writers may move the same files: whoever comes later finds it done.
    with contextlib.suppress(FileNotFoundError):
        for number in range(free, 1, -1):
            os.replace(f"{target}.{number - 1}", f"{target}.{number}")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(f"{target}.1")
    try:
        os.link(target, f"{target}.1")
    except FileExistsError:  # another writer was faster
        pass
    except OSError:  # a file system without links
        import shutil  # brings the readers of archives

        with _temporary(folder) as (file, name), open(target, "rb") as source:
            shutil.copyfileobj(source, file)
            os.fsync(file.fileno())
            os.replace(name, f"{target}.1")


def _is_same(one: str, other: str) -> bool:
    """Whether two names are of one file: a writer was killed after it had linked them."""
    try:
        return os.path.samefile(one, other)
    except FileNotFoundError:
        return False


def _flush_folder(folder: str) -> None:
    """Flush to the disk that a name stands for another file; some systems have no way to."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        if error.errno != errno.EINVAL:
            why = f"{error.strerror}; the file is new, and may be the earlier one after a crash"
            raise OSError(error.errno, why) from error
