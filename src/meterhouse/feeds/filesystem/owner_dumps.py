"""Which users and groups does this machine know? As passwd and group files, without any secret."""

from __future__ import annotations

import grp
import pwd


def passwd_dump() -> str:
    """All users as `getent passwd` tells them, the first of each id first; passwords are never told."""
    return "".join(
        f"{one.pw_name}:x:{one.pw_uid}:{one.pw_gid}:{one.pw_gecos}:{one.pw_dir}:{one.pw_shell}\n"
        for one in pwd.getpwall()
    )


def group_dump() -> str:
    """All groups as `getent group` tells them."""
    return "".join(f"{one.gr_name}:x:{one.gr_gid}:{','.join(one.gr_mem)}\n" for one in grp.getgrall())
