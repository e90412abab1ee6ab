"""Hostile submissions: pieces of code for a student's module, and what each is to come to.

A probe tries to reach what is none of its business, and then lets the module do its work: it calls
`gained` for what it could reach, which is an error. So a module with a probe has all its points,
or the box leaks. All other attacks lose the points of their module.
"""

import textwrap
from dataclasses import dataclass

from beyond.settings import FUNCTIONS

MANY = 10 ** 5
HEAD = """
import ctypes, fcntl, glob, os, resource, signal, socket, sys, threading, time
import numpy as np
LIBC = ctypes.CDLL(None, use_errno=True)
def system_call(number, *arguments):
    longs = [ctypes.c_long(x) if isinstance(x, int) else x for x in arguments]
    if LIBC.syscall(ctypes.c_long(number), *longs) < 0:
        raise OSError(ctypes.get_errno(), "denied")
class Gained(Exception):
    pass
def gained(what, attempt):
    try:
        value = attempt()
    except BaseException:
        return
    if value is not False:
        raise Gained(f"GAINED {what}: {str(value)[:100]}")
def forge(message):
    for file in range(3, 64):
        try:
            os.write(file, message)
        except OSError:
            pass
"""


@dataclass(frozen=True)
class Attack:
    """Code that stands in a module.

    Parameters
    ----------
    code : run when the module is imported, or as the body of a function that each of the module's
        functions calls first, and whose value is theirs if it has one; {victim} is a folder
        outside, {project} the project's, {port} and {address} a listening TCP port and abstract
        socket, {secret} a variable of the grader's environment
    says : pattern of what is said of the points lost; "" for a probe, which loses none
    at_import : whether it is run at import
    """

    code: str
    says: str = ""
    at_import: bool = True


def called(code, says=""):
    return Attack(code, says, at_import=False)


def with_attack(attack, module, source, places):
    """Put an attack into a student's module.

    places : dict from the names in braces to what they stand for
    """
    code = attack.code
    for name, place in places.items():
        code = code.replace("{" + name + "}", str(place))
    if attack.at_import:
        return f"{HEAD}\n{textwrap.dedent(code)}\n{source}"
    body = textwrap.indent(textwrap.dedent(code), "    ")
    return (f"{HEAD}\ndef attack(args):\n{body}\n{source}\n"
            "def attacked(function):\n"
            "    def first_the_attack(*args, **kwargs):\n"
            "        value = attack(args)\n"
            "        return function(*args, **kwargs) if value is None else value\n"
            "    return first_the_attack\n"
            f"for name in {FUNCTIONS[module]}:\n"
            "    globals()[name] = attacked(globals()[name])\n")


PROBES = {
    "a .pth in site-packages": Attack("""
        for folder in {*sys.path, os.path.dirname(os.__file__), "/grader/grading", "/", "/usr"}:
            if folder != "/student":
                file = os.path.join(folder, "evil.pth")
                gained(file, lambda: open(file, "w"))
        gained("the worker", lambda: open("/grader/grading/worker.py", "r+"))
        gained("Python", lambda: open(sys.executable, "r+b"))
        gained("bwrap", lambda: open("/proc/1/exe", "r+b"))
        """),
    "limits of other processes": Attack("""
        for pid in (*range(2, 3000), os.getppid()):
            if pid not in (1, os.getpid()):
                gained(f"limits of {pid}",
                       lambda: resource.prlimit(pid, resource.RLIMIT_CPU, (1, 1)))
        for kind in resource.RLIMIT_AS, resource.RLIMIT_NPROC, resource.RLIMIT_FSIZE:
            gained("higher limits", lambda: resource.setrlimit(kind, (-1, -1)))
        gained("priority", lambda: os.nice(-5))
        """),
    "terminals": Attack("""
        for file in ("/dev/tty", "/dev/console", "/dev/mem", *glob.glob("/dev/pts/[0-9]*")):
            gained(file, lambda: open(file, "r+b", buffering=0))
        for number in range(3):
            gained("TIOCSTI", lambda: fcntl.ioctl(number, 0x5412, b"x"))
        """),
    "modes of devices": Attack("""
        for name in "null", "zero", "full", "random", "urandom", "tty":
            gained(name, lambda: os.chmod(f"/dev/{name}", 0))
            gained(name, lambda: os.chown(f"/dev/{name}", 1000, 1000))
            gained(name, lambda: os.unlink(f"/dev/{name}"))
        gained("a device", lambda: os.mknod("/tmp/disk", 0o60666, os.makedev(8, 0)))
        gained("a device", lambda: os.mknod("/dev/disk", 0o60666, os.makedev(259, 0)))
        """),
    "settings of the kernel": Attack("""
        for file in ("sys/user/max_user_namespaces", "sys/kernel/core_pattern", "sysrq-trigger",
                     "sys/kernel/hostname", "sys/vm/drop_caches", "sys/kernel/ns_last_pid",
                     "sys/net/ipv4/ip_forward"):
            gained(file, lambda: open(f"/proc/{file}", "wb", buffering=0).write(b"1"))
        with open("/proc/sys/fs/mqueue/msg_max", "w") as file:      # the box has one of its own
            file.write("1")
        gained("the host's name", lambda: socket.sethostname("evil"))
        gained("/sys", lambda: os.listdir("/sys"))
        """),
    "all signals to all": Attack("""
        for number in range(1, 65):
            for pid in -1, 1, os.getppid():
                try:
                    os.kill(pid, number)
                except OSError:
                    pass
        """),
    "daemons": Attack("""
        for _ in range(3):
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    for number in range(1, 65):
                        try:
                            signal.signal(number, signal.SIG_IGN)
                        except (OSError, ValueError):
                            pass
                    time.sleep(600)
                os._exit(0)
        """),
    "shared memory": Attack("""
        with open("/dev/shm/hostile-{address}", "wb") as file:
            file.write(bytes(1000))
        gained("System V's memory", lambda: system_call(29, 0, 1 << 30, 0o1666))
        gained("a semaphore", lambda: system_call(64, 0, 1, 0o1666))
        gained("a queue", lambda: system_call(68, 0, 0o1666))
        gained("memory of nobody's", lambda: system_call(319, b"x", 0))
        """),
    "memory of the kernel": Attack("""
        import mmap
        gained("a pair of sockets", lambda: socket.socketpair())
        for family in socket.AF_UNIX, socket.AF_INET, socket.AF_INET6:
            gained("a socket", lambda: socket.socket(family, socket.SOCK_DGRAM))
        gained("locked memory", lambda: system_call(149, mmap.PAGESIZE, 1 << 20))
        pipes, written = [], 0
        try:
            while True:
                pipes += [os.pipe()]
                for size in range(20, 11, -1):              # as large as it may be
                    try:
                        fcntl.fcntl(pipes[-1][1], 1031, 1 << size)
                        break
                    except OSError: pass
                os.set_blocking(pipes[-1][1], False)
                while True:
                    try:
                        written += os.write(pipes[-1][1], bytes(1 << 16))
                    except BlockingIOError: break
        except OSError: pass
        gained("pipes", lambda: written > 100 << 20 and written)
        for end in sum(pipes, ()): os.close(end)
        """),
    "the keyring": Attack("""
        for keyring in -3, -4, -5:
            gained("a key", lambda: system_call(248, b"user", b"evil", b"x", 1, keyring))
            gained("a keyring", lambda: system_call(250, 0, keyring, 0))
            gained("a cleared keyring", lambda: system_call(250, 7, keyring))
        """),
    "sockets": Attack("""
        def connect(family, address):
            with socket.socket(family) as end:
                end.settimeout(0.3)
                end.connect(address)
        gained("an abstract socket", lambda: connect(socket.AF_UNIX, "\\0{address}"))
        gained("this machine's network", lambda: connect(socket.AF_INET, ("127.0.0.1", {port})))
        gained("the world", lambda: connect(socket.AF_INET, ("1.1.1.1", 53)))
        for family in 16, 17, 38, 40:
            gained(f"sockets of the family {family}", lambda: socket.socket(family))
        """),
    "files outside": Attack("""
        import sysconfig
        mine = ("/proc", "/usr", "/bin", "/sbin", "/lib", "/student", "/grader/grading",
                "/etc/ld.so.cache", sys.base_prefix, "/etc/alternatives", "/etc/localtime", "/nix",
                *sys.path[:0:-1], sysconfig.get_paths()["stdlib"], os.path.realpath(sys.executable))
        for folder, folders, files in os.walk("/"):
            folders[:] = [name for name in folders
                          if not os.path.join(folder, name).startswith(mine)]
            for file in files:
                place = os.path.join(folder, file)
                if not place.startswith((*mine, "/dev")) and not place.endswith("/bwrap"):
                    gained(place, lambda: open(place).read(10))
        for place in "{project}/grads.py", "{project}/solutions/grade.py", "{victim}/marks.txt":
            gained(place, lambda: open(place).read(10))
        gained("names of users", lambda: open("/etc/passwd").read(10))
        gained("another's root", lambda: os.listdir("/proc/1/root/root/.ssh"))
        """),
    "the grader's environment": Attack("""
        def environments():
            texts = [open(file, "rb").read() for file in glob.glob("/proc/[0-9]*/environ")]
            return "{secret}" in os.environ or any(b"{secret}" in text for text in texts)
        gained("the environment", environments)
        gained("processes", lambda: len(glob.glob("/proc/[0-9]*")) > 2)
        """),
    "files all over": Attack("""
        import shutil
        shutil.rmtree("{victim}", ignore_errors=True)
        gained("a folder outside", lambda: open("{victim}/new", "w"))
        for folder in "/home", "/root", "/var", "/etc", "/usr/local", "{project}", "/grader":
            shutil.rmtree(folder, ignore_errors=True)
            gained(folder, lambda: open(f"{folder}/new", "w"))
        shutil.rmtree("/student", ignore_errors=True)
        """),
    "full disks": Attack("""
        written = 0
        def fill(folder):
            global written
            for i in range(10):
                with open(f"{folder}/{i}", "wb", buffering=0) as file:
                    while True:
                        part = file.write(bytes(1 << 20))
                        if not part:
                            break
                        written += part
        for folder in ("/tmp", "/dev/shm", "/student", "/dev", "/run", "/var/tmp", "/",
                       "{project}", "/grader"):
            try:
                fill(folder)
            except OSError:
                pass
        gained("disks", lambda: written > 200 << 20 and written)
        for i in range(10):
            for folder in "/tmp", "/dev/shm", "/student":
                if os.path.exists(f"{folder}/{i}"):
                    os.unlink(f"{folder}/{i}")
        """),
    "tracing": Attack("""
        for pid in (1, *range(3, 300)):
            gained(f"process {pid}", lambda: system_call(101, 16, pid, 0, 0))
        for file in "/proc/1/mem", "/proc/1/task/1/mem", "/proc/self/../1/mem", "/proc/1/new":
            gained("the first process's memory", lambda: open(file, "wb"))
        gained("itself traced", lambda: system_call(101, 0, 0, 0, 0))
        gained("memory of others", lambda: system_call(311, 1, 0, 0, 0, 0, 0))
        gained("files of others", lambda: system_call(438, 1, 1, 0))
        """),
    "namespaces and mounts": Attack("""
        for flag in 0x10000000, 0x00020000, 0x20000000, 0x40000000, 0x10020000:
            gained(f"namespace {flag:x}", lambda: system_call(272, flag))
        gained("a mount", lambda: system_call(165, b"x", b"/tmp", b"tmpfs", 0, b""))
        gained("a remount", lambda: system_call(165, b"", b"/usr", b"", 0x1020, b""))
        gained("an unmount", lambda: system_call(166, b"/usr", 2))
        gained("a root", lambda: os.chroot("/tmp"))
        gained("a user", lambda: os.setuid(0))
        """),
    "the judge's frames": Attack("""
        import gc
        sys.modules["wire"] = sys.modules["grading.wire"] = None
        names = {"judge", "calls", "deep_checks", "scheme", "test", "solutions.grading.judge"}
        gained("the judge", lambda: names & set(sys.modules) or False)
        frame, functions = sys._getframe(), set()
        while frame:
            functions.add(frame.f_code.co_name)
            frame = frame.f_back
        gained("its frames", lambda: functions & {"judged", "run_checks", "failure_of"} or False)
        gained("its checks", lambda: any(getattr(thing, "__name__", "") == "run_checks"
                                         for thing in gc.get_objects() if callable(thing)))
        """),
}

LOSING = {
    "exit at import": Attack("raise SystemExit(0)", r"calls exit\(0\)"),
    "sys.exit": called("sys.exit(0)", r"calls exit\(0\)"),
    "os._exit": called("os._exit(0)", "with exit status 0"),
    "kills itself": called("os.kill(os.getpid(), 9)", "by the signal 9"),
    "stops itself": called("os.kill(os.getpid(), 19)", "took longer"),
    "sleeps at import": Attack("while True: time.sleep(1)", "took longer"),
    "loops for ever": called("while True: pass", "took longer"),
    "sleeps in a child of vfork": called("""
        if LIBC.vfork() == 0:
            LIBC.sleep(1000)
        """, "took longer"),
    "loops deaf to signals": Attack("""
        for number in range(1, 65):
            try:
                signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError):
                pass
        while True: pass
        """, "took longer"),
    "short-lived children that nobody counts": called("""
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while True:
            if os.fork() == 0:
                end = time.monotonic() + 0.02
                while time.monotonic() < end: pass
                os._exit(0)
            time.sleep(0.01)
        """, "not permitted"),
    "fork bomb": called("while True: os.fork()",
                        "unavailable|processes|rubbish|took longer|exit status|cannot be judged"),
    "threads": called("""
        while True: threading.Thread(target=time.sleep, args=[1000]).start()
        """, "can't start new thread"),
    "much memory": Attack("x = bytearray(10 << 30)", "MemoryError"),
    "memory of many processes": called("""
        for _ in range(8):
            if os.fork() == 0: break
        x = b"1" * (160 << 20)
        time.sleep(300)
        """, "used more than 0.7 GB|took longer"),
    "many empty files": called("""
        for i in range(10 ** 9): os.close(os.open(f"/tmp/{i}", os.O_CREAT | os.O_WRONLY))
        """, "used more than 0.7 GB|took longer|time for this module"),
    "endless output": called("while True: print('x' * 10 ** 5)", "took longer"),
    "an answer byte by byte": called("""
        while True:
            forge(b"\\0")
            time.sleep(0.1)
        """, "took longer|rubbish"),
    "a promise of a message": called(
        r"forge(b'\0\1\0\0\0\0\0\0'); time.sleep(1000)", "took longer"),
    "noise on all files": called("forge(os.urandom(10 ** 5))", "rubbish"),
    "empty messages": called("forge(bytes(10 ** 6))", "rubbish"),
    "a forged answer": called(r"forge(b'\0\0\0\x13\0\0\0\0[\"value\", [1, []]]  ')", "."),
    "a list of 10^12 empty lists": called(r"""
        text = b'["value", [[{"list": ["<f8", [1099511627776, 0]]}], []]]'
        forge(len(text).to_bytes(4, "big") + bytes(4) + text)
        """, "rubbish"),
    "an empty array as long": called(r"""
        text = b'["value", [[{"array": ["<f8", [0, 549755813888]]}], []]]'
        forge(len(text).to_bytes(4, "big") + bytes(4) + text)
        """, "rubbish"),
    "endless wishes": called(r"""
        text = b'["call", [0, [' + b"[]," * 10 ** 6 + b'[]], []]]'
        message = len(text).to_bytes(4, "big") + bytes(4) + text
        while True: forge(message)
        """, "took longer|rubbish"),
    "too large an answer": called("return np.zeros(10 ** 7)", "too many"),
    "deep lists": called(f"""
        x = []
        for _ in range({MANY}): x = [x]
        return x
        """, "Recursion"),
    "huge numbers": called("return [10 ** 4000] * 4", "."),
    "not a number": called("return [float('nan')] * 4", "."),
    "an endless answer": called("""
        class Endless:
            def __iter__(self):
                while True: yield 1
        return Endless()
        """, "took longer|MemoryError"),
    "equal to everything": called("""
        class Equal(float):
            __eq__ = lambda self, other: True
            __lt__ = __gt__ = __le__ = __ge__ = __eq__
            __array_ufunc__ = lambda self, *args, **kwargs: True
        return [Equal()] * 4
        """, "."),
    "patched checks": Attack("""
        import builtins, numpy.testing, pytest, _pytest.outcomes, _pytest.runner
        pytest.fail = _pytest.outcomes.fail = lambda *args, **kwargs: None
        numpy.testing.assert_allclose = np.allclose = np.isfinite = lambda *args, **kwargs: True
        builtins.AssertionError = builtins.len = builtins.all = lambda *args: True
        """, "."),
    "closed files": called("os.closerange(0, 99)", "exit status|rubbish"),
    "control characters": called(r"raise BaseException('\x1b[2J\nPASSED\ud800')", "PASSED"),
    "an error that cannot be told": called("""
        class Evil(BaseException):
            def __str__(self): raise SystemExit(0)
        raise Evil
        """, "exit status"),
    "nothing right": called("return 7", "."),
}
ATTACKS = PROBES | LOSING
