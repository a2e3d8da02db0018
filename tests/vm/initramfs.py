"""Makes the initramfs that the test machine boots: programs of this system with the libraries that
they need, systemd, kernel modules and files of ours, as cpio archives of the `newc` kind."""
import hashlib
import os
import pathlib
import re
import stat
import subprocess

# Programs of the host that guests, tests and the containers in them use.
TOOLS = """
    sh bash env basename cat cp ln ls mkdir mktemp mv rm rmdir touch chmod chown mkfifo mknod head
    tail wc sort cut tr dd df stat readlink seq sleep sync tee test true false timeout date id kill
    uname yes expr nproc mount umount setsid findmnt nsenter unshare prlimit grep sed diff find
    ps pkill pgrep tty stty systemctl systemd-run journalctl systemd-tmpfiles systemd-cgls
""".split()

SYSTEMD = """
    systemd systemd-journald systemd-shutdown systemd-executor
""".split()

# Units of the Debian package: what a service's default dependencies name, the journal, the end.
UNITS = """
    sysinit.target basic.target multi-user.target shutdown.target umount.target final.target
    poweroff.target systemd-poweroff.service local-fs.target local-fs-pre.target swap.target
    slices.target sockets.target paths.target timers.target network.target network-online.target
    remote-fs.target time-sync.target user.slice emergency.target
    systemd-journald.service systemd-journald.socket systemd-journald-dev-log.socket
""".split()

MODULES = ["overlay"]


class Archive:
    """Paths of the guest, and what is there; written in one order, so that like gives like."""

    def __init__(self):
        self.items = {}  # path -> (mode, bytes, or path of a host's file)

    def folder(self, path, mode=0o755):
        self.items.setdefault(path, (stat.S_IFDIR | mode, b""))

    def _parents(self, path):
        parts = path.split("/")[:-1]
        for i in range(len(parts)):
            self.folder("/".join(parts[:i + 1]))

    def text(self, path, text, mode=0o644):
        self._parents(path)
        self.items[path] = (stat.S_IFREG | mode, text.encode())

    def link(self, path, target):
        self._parents(path)
        self.items[path] = (stat.S_IFLNK | 0o777, target.encode())

    def file(self, path, source, mode=None):
        self._parents(path)
        source = pathlib.Path(source)
        mode = (0o755 if os.access(source, os.X_OK) else 0o644) if mode is None else mode
        self.items[path] = (stat.S_IFREG | mode, source)

    def device(self, path, mode, major, minor):
        self._parents(path)
        self.items[path] = (mode, (major, minor))

    def key(self):
        """Changes whenever something in the archive does."""
        digest = hashlib.sha256()
        for path, (mode, content) in sorted(self.items.items()):
            if isinstance(content, pathlib.Path):
                info = content.stat()
                content = "%s %d %d" % (content, info.st_size, info.st_mtime_ns)
            digest.update(("%s %o %r\n" % (path, mode, content)).encode())
        return digest.hexdigest()[:20]

    def write(self, out):
        ends = ("TRAILER!!!", (0, b""))
        for number, (path, (mode, content)) in enumerate(sorted(self.items.items()) + [ends], 1):
            major, minor = content if isinstance(content, tuple) else (0, 0)
            data = content if isinstance(content, bytes) else b""
            if isinstance(content, pathlib.Path):
                data = stripped(content)
            links = 2 if stat.S_ISDIR(mode) else 1
            name = path.encode() + b"\0"
            fields = (number, mode, 0, 0, links, 0, len(data), 0, 0, major, minor, len(name), 0)
            head = b"070701" + b"".join(b"%08X" % field for field in fields) + name
            out.write(head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4))


def stripped(path):
    """A file's bytes, of a program or library without what only debuggers read."""
    data = path.read_bytes()
    if data[:4] != b"\x7fELF" or b".debug_info" not in data or path.suffix == ".ko":
        return data
    made = subprocess.run(["strip", "--strip-debug", "-o", "/dev/stdout", path],
                          capture_output=True, check=False)
    return made.stdout if made.returncode == 0 and made.stdout[:4] == b"\x7fELF" else data


def merged(path):
    """The path in the guest, where /bin, /sbin and /lib are links into /usr."""
    return re.sub(r"^/?(usr/)?(bin|sbin|lib|lib64)/", r"usr/\2/", str(path)).lstrip("/")


def libraries(paths):
    """What the loader maps for those programs: {name that it asks for: file}."""
    found = {}
    done = subprocess.run(["ldd", *paths], capture_output=True, text=True, check=False)
    for line in done.stdout.splitlines():
        match = re.search(r"(?:=> )?(/\S+) \(0x", line)
        if match:
            found[match.group(1)] = pathlib.Path(match.group(1)).resolve()
        elif "not found" in line:
            raise SystemExit("a library is missing: " + line.strip())
    return found


def which(name):
    for folder in ("/usr/bin", "/bin", "/usr/sbin", "/sbin"):
        path = pathlib.Path(folder, name)
        if path.exists():
            return path
    raise SystemExit("%s is missing: tools/dev deps vm" % name)


def add_programs(archive, programs):
    """programs: {path in the guest: file of the host}; and the libraries they need."""
    for path, source in programs.items():
        archive.file(path, source.resolve(), 0o755)
    for path, source in libraries(sorted({p.resolve() for p in programs.values()})).items():
        archive.file(merged(path), source, 0o755)


def add_modules(archive, version):
    """The modules in the order in which they are to be loaded, with those they need."""
    root = pathlib.Path("/lib/modules", version)
    order = []
    for name in MODULES:
        done = subprocess.run(["/sbin/modprobe", "--show-depends", "-S", version, name],
                              capture_output=True, text=True, check=True)
        for line in done.stdout.splitlines():
            if line.startswith("insmod ") and line.split()[1] not in order:
                order.append(line.split()[1])
    for path in order:
        archive.file("modules/" + pathlib.Path(path).name, path)
    archive.text("modules/order", "".join(pathlib.Path(p).name + "\n" for p in order))
    assert root.is_dir()


def system(version):
    """The part that only changes when the host's packages do."""
    archive = Archive()
    for name in ("bin", "sbin", "lib", "lib64"):
        archive.folder("usr/" + name)
        archive.link(name, "usr/" + name)
    for name in ("dev", "proc", "sys", "run", "new", "root", "etc", "etc/default", "var", "var/lib",
                 "var/log"):
        archive.folder(name)
    archive.folder("tmp", 0o1777)
    archive.link("var/run", "/run")
    archive.device("dev/console", stat.S_IFCHR | 0o600, 5, 1)
    programs = {merged(which(name)): which(name) for name in TOOLS}
    programs["usr/bin/busybox"] = which("busybox")
    for name in SYSTEMD:
        path = pathlib.Path("/lib/systemd", name)
        if path.exists():
            programs[merged(path)] = path
    if "usr/lib/systemd/systemd" not in programs:
        raise SystemExit("systemd is missing: tools/dev deps vm")
    add_programs(archive, programs)
    for name in ("libnss_files.so.2", "libgcc_s.so.1"):
        for folder in ("/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu"):
            path = pathlib.Path(folder, name)
            if path.exists():
                archive.file(merged(path), path.resolve(), 0o755)
                break
    for name in UNITS:
        archive.file("usr/lib/systemd/system/" + name, "/lib/systemd/system/" + name, 0o644)
    for socket in ("systemd-journald.socket", "systemd-journald-dev-log.socket"):
        archive.link("usr/lib/systemd/system/sockets.target.wants/" + socket, "../" + socket)
    archive.link("usr/lib/systemd/system/sysinit.target.wants/systemd-journald.service",
                 "../systemd-journald.service")
    archive.text("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"
                 "nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n")
    archive.text("etc/group", "root:x:0:\nnogroup:x:65534:\n")
    archive.text("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n")
    archive.text("etc/hosts", "127.0.0.1 localhost machine\n")
    archive.text("etc/hostname", "machine\n")
    archive.text("etc/os-release", 'ID=tepui-test\nNAME="Tepui test machine"\n')
    archive.text("etc/machine-id", "00000000000000000000000000000001\n")
    archive.text("etc/fstab", "")
    add_modules(archive, version)
    return archive


def cached(archive, folder, name):
    """The archive's file in the folder, written anew only if something changed."""
    path = folder / ("%s-%s.cpio" % (name, archive.key()))
    if not path.exists():
        for old in folder.glob(name + "-*.cpio"):
            old.unlink()
        part = path.with_suffix(".part")
        with open(part, "wb") as out:
            archive.write(out)
        part.rename(path)
    return path
