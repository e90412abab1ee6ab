"""What a process of somebody else's code may do: namespaces, limits, another user, and the end of all it started.

Every step that a system does not offer is left out; `isolate` tells what is missing.
"""

import contextlib
import ctypes
import os
import resource
import signal
import struct
import sys
import time
from pathlib import Path

SYSTEM = "bin dev etc lib lib32 lib64 libx32 nix opt proc sbin sys usr".split()     # of /; what else is there is hidden
NEW_MOUNTS, NEW_IPC, NEW_USER, NEW_PIDS, NEW_NETWORK = 0x20000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
READ_ONLY, NO_SUID, NO_DEVICES, REMOUNT, BIND, RECURSIVE, PRIVATE = 1, 2, 4, 0x20, 0x1000, 0x4000, 0x40000
PARENT_DIES, SUBREAPER, NO_NEW_PRIVILEGES = 1, 36, 38
PROCESSES, FILE_SIZE = 32, 16 << 20

libc = ctypes.CDLL(None, use_errno=True)


def checked(name, *arguments):
    """Call a function of libc; OSError if it fails or there is none."""
    try:
        failed = getattr(libc, name)(*arguments)
    except AttributeError:
        raise OSError(f"no {name} here") from None
    if failed:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def mount(source, target, kind, flags=0, data=""):
    checked("mount", os.fsencode(source), os.fsencode(target), kind and kind.encode(), ctypes.c_ulong(flags),
            data.encode())


def isolate(folder, uid, hidden, needed):
    """Move this process into namespaces of its own: no network, nothing to write to but a small file system in
    folder, no sight of anything outside the system's folders or in the hidden ones, but of what is needed.

    Children get a process-id namespace. Returns a line that says what could not be had, empty if nothing.
    """
    missing, namespaces = [], NEW_MOUNTS | NEW_IPC | NEW_PIDS | NEW_NETWORK
    try:
        try:
            enter_user_namespace(namespaces, uid)
        except OSError:
            if not uid:
                raise
            checked("unshare", namespaces)
    except OSError as error:
        return f"no namespaces ({error})"
    folder, needed = Path(folder).resolve(), {Path(path).resolve() for path in (*needed, folder)}
    needed = [path for path in needed if not any(path != other and path.is_relative_to(other) for other in needed)]
    hidden = {path for path in map(Path.resolve, map(Path, hidden)) if len(path.parts) > 2} | {Path("/dev/shm")}
    hidden |= {path for path in Path("/").iterdir() if path.name not in SYSTEM and not path.is_symlink()}
    steps = [(mount, "none", "/", None, RECURSIVE | PRIVATE),
             (Path("/proc/sys/user/max_user_namespaces").write_text, "0")]      # there it would have rights again
    steps += [(cover, path, needed) for path in sorted(hidden)]
    steps += [(make_read_only,), (mount, "tmpfs", folder, "tmpfs", NO_SUID | NO_DEVICES, "mode=755,size=64m")]
    for step, *arguments in steps:
        try:
            step(*arguments)
        except OSError as error:
            missing.append(str(error))
    return "; ".join(missing)


def enter_user_namespace(namespaces, uid):
    """A new user namespace, in which root can do nothing to what is outside, has this process's user and uid."""
    read, write = os.pipe()
    user, group, mapper = os.geteuid(), os.getegid(), os.fork()
    if not mapper:                          # only a process outside may say who is who inside
        with contextlib.suppress(OSError):
            if os.close(write) or os.read(read, 1):
                more = f"\n{uid} {uid} 2" if uid else ""
                for name, text in (("setgroups", "allow" if uid else "deny"), ("uid_map", f"{user} {user} 1{more}"),
                                   ("gid_map", f"{group} {group} 1{more}")):
                    Path(f"/proc/{os.getppid()}", name).write_text(text)
        os._exit(0)
    try:
        checked("unshare", namespaces | NEW_USER)
        os.write(write, b"1")
    finally:
        os.close(write)
        os.close(read)
        os.waitpid(mapper, 0)


def cover(folder, needed):
    """Mount nothing over a folder, and again what is needed below it."""
    inside = [path for path in needed if path.is_relative_to(folder)]
    if folder in inside or not folder.is_dir():
        return
    handles = [os.open(path, os.O_PATH) for path in inside]
    mount("tmpfs", folder, "tmpfs", NO_SUID | NO_DEVICES, "mode=755,size=1m")
    for path, handle in zip(inside, handles):
        path.mkdir(parents=True)
        mount(f"/proc/self/fd/{handle}", path, None, BIND | RECURSIVE)
        os.close(handle)


def freeze(folder, home):
    """Make folder read-only where it is a file system of its own, but for home, which becomes one."""
    with contextlib.suppress(OSError):
        mount("none", folder, None, REMOUNT | BIND | READ_ONLY | NO_SUID | NO_DEVICES)
        mount("tmpfs", home, "tmpfs", NO_SUID | NO_DEVICES, "mode=755,size=64m")


def make_read_only():
    attributes = (ctypes.c_uint64 * 4)(READ_ONLY | NO_SUID)
    checked("syscall", ctypes.c_long(442), ctypes.c_long(-100), b"/", ctypes.c_long(0x8000), ctypes.byref(attributes),
            ctypes.c_long(32))          # mount_setattr of all that is mounted


def confine(uid, memory, seconds, own_mounts, readable, writable):
    """Give up what this process may do: limits, the user and the rights; it is the leader of its own session.

    Returns a line that says what could not be had, empty if nothing.
    """
    os.setsid()
    with contextlib.suppress(OSError):
        if own_mounts:
            checked("unshare", NEW_MOUNTS)
            mount("proc", "/proc", "proc", READ_ONLY | NO_SUID | NO_DEVICES)      # of its own process ids only
    threads = 0 if uid else sum(thread_counts(os.getuid()))
    limits = {"AS": memory, "CPU": seconds, "FSIZE": FILE_SIZE, "NOFILE": 64, "CORE": 0, "NPROC": threads + PROCESSES,
              "MSGQUEUE": 0, "MEMLOCK": 0}
    for name, value in limits.items():
        if kind := getattr(resource, f"RLIMIT_{name}", None):
            hard = resource.getrlimit(kind)[1]
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            with contextlib.suppress(ValueError, OSError):              # macOS has no limit of the address space
                resource.setrlimit(kind, (value, value))
    if uid:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    if sys.platform == "linux":
        checked("prctl", NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        checked("prctl", PARENT_DIES, signal.SIGKILL, 0, 0, 0)
        checked("capset", (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)())
        try:
            landlock([f"/{name}" for name in SYSTEM] + readable, writable)
        except OSError as error:
            return str(error)
    return ""


def landlock(readable, writable):
    """Forbid this process all files but those below the readable and the writable folders, all TCP, and signals to
    processes that it did not start, as far as the kernel's Landlock goes. Raises OSError if there is none."""
    version = libc.syscall(ctypes.c_long(444), None, ctypes.c_long(0), ctypes.c_long(1))
    if version < 1:
        raise OSError("no Landlock")
    execute, write, read, list_, truncate = 1, 2, 4, 8, 1 << 14
    everything = (1 << (13 if version < 2 else 14 if version < 3 else 15)) - 1
    attributes = struct.pack("=QQQ", everything, 3, 3)[:8 if version < 4 else 16 if version < 6 else 24]
    rules = libc.syscall(ctypes.c_long(444), attributes, ctypes.c_long(len(attributes)), ctypes.c_long(0))
    allowed = [(path, execute | read | list_) for path in readable] + [(path, everything) for path in writable]
    for path, rights in (*allowed, ("/dev/null", read | write), ("/dev/urandom", read)):
        with contextlib.suppress(OSError):
            parent = os.open(path, os.O_PATH)
            if not os.path.isdir(path):
                rights &= execute | write | read | truncate
            rule = struct.pack("=Qi", rights, parent)
            checked("syscall", ctypes.c_long(445), ctypes.c_long(rules), ctypes.c_long(1), rule, ctypes.c_long(0))
            os.close(parent)
    checked("syscall", ctypes.c_long(446), ctypes.c_long(rules), ctypes.c_long(0))
    os.close(rules)


def unused_uid(number):
    """A user id for a sandbox of this process's, where the next one is unused, too; 0 if it can have none."""
    if os.geteuid() or sys.platform != "linux":
        return 0
    mapped = sum(int(line.split()[2]) for line in Path("/proc/self/uid_map").read_text().splitlines())
    first = 0x70000000 + 8 * os.getpid() if mapped > 0x7fffffff else 40000 + 8 * (os.getpid() % 2500)
    return first + 2 * number


def thread_counts(uid):
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if folder.stat().st_uid == uid:
                yield len(os.listdir(folder / "task"))


def resident(pid):
    """Bytes of memory of a process."""
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()
    return 0


def descendants():
    """The process ids of all below this one that are alive."""
    children, found, places = {}, [], [os.getpid()]
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, parent = file.read_bytes().rpartition(b")")[2].split()[:2]
            children.setdefault(int(parent), []).append((int(file.parent.name), state))
    while places:
        for pid, state in children.get(places.pop(), ()):
            places.append(pid)
            if state not in b"ZX":
                found.append(pid)
    return found


def end_all(worker, uid):
    """End a worker and all that it started, whatever groups and sessions they are in."""
    end = time.monotonic() + 5
    with contextlib.suppress(OSError):
        os.killpg(worker, signal.SIGKILL)
    with contextlib.suppress(OSError):
        os.kill(worker, signal.SIGKILL)             # with it goes its process-id namespace
    if uid:
        with contextlib.suppress(OSError):          # nothing can start any more in a namespace that has ended
            killer = os.fork()
            if not killer:
                with contextlib.suppress(OSError):
                    os.setresuid(uid + 1, uid, uid + 1)         # so that those of uid cannot kill it
                    os.kill(-1, signal.SIGKILL)
                os._exit(0)
            os.waitpid(killer, 0)
    while time.monotonic() < end and (alive := descendants()):
        for number in signal.SIGSTOP, signal.SIGKILL:
            for pid in alive:
                with contextlib.suppress(OSError):
                    os.kill(pid, number)
        time.sleep(0.01)
        with contextlib.suppress(OSError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
