"""What everybody should know about this place: a disk that forgets, that is read-only, shared or damaged before."""

import os
from pathlib import Path

from backends.settings import MB, Settings

MOUNTS = Path("/proc/self/mountinfo")
#: no locks that hold, or no way to flush: runs belong on a local disk
REMOTE = ("nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "glusterfs", "fuse", "lustre")


def notices(settings: Settings, mounts: Path = MOUNTS) -> list[str]:
    """Sentences for the top of the page and for `runs`; none when all is well."""
    found = [
        f"The list of runs was damaged and was made again from the run folders; the old one is {path.name}."
        for path in sorted(settings.data_dir.glob(f"{settings.store_path.name}.bad-*"))
    ]
    if settings.forgets:
        found.append(
            "This Space forgets its runs and adapters when it restarts: download the adapters that you want to keep."
        )
    if read_only(settings.data_dir):
        found.append(f"{settings.data_dir} is read-only: you can look and ask, but no run can be started.")
    kind = file_system(settings.data_dir, mounts)
    if kind.split(".")[0] in REMOTE:
        found.append(
            f"The runs are kept on a shared disk ({kind}), where locks and flushes may not hold: "
            "set ACR_DATA_DIR to a folder of a local disk."
        )
    return found


def read_only(folder: Path) -> bool:
    there = next(path for path in (folder, *folder.parents) if path.exists())
    return bool(os.statvfs(there).f_flag & os.ST_RDONLY)


def file_system(folder: Path, mounts: Path = MOUNTS) -> str:
    """Type of the file system that holds `folder`: ext4, nfs4, fuse.gcsfuse ... as the kernel names it."""
    found = ("", "")
    for line in mounts.read_text().splitlines():
        before, _, after = line.partition(" - ")
        point = before.split()[4].replace("\\040", " ")
        if folder.resolve().is_relative_to(point) and len(point) >= len(found[0]):
            found = point, after.split()[0]
    return found[1]


def too_little_room(settings: Settings, free: int) -> str | None:
    """Why nothing should be started on a disk with `free` bytes, or None."""
    if free >= settings.min_free:
        return None
    return (
        f"A run needs {settings.min_free / MB:,.0f} MB of free disk and {free / MB:,.0f} MB are free in "
        f"{settings.data_dir}, nothing was submitted; delete runs that you do not need"
    )
