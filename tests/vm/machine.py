#!/usr/bin/env python3
"""Boots a machine with cgroup v2 and systemd in QEMU, runs the tests of tests/vm/guest in it, and
tells how they went.

    machine.py --build BUILD [--shell] [PATTERN]

BUILD is the build folder; PATTERN chooses tests, as `grep` does. With --shell there is a shell on
the console in place of tests.
"""
import argparse
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

import initramfs

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
MEMORY_MB = 1024
# Without what only costs time in emulation: five levels of pages, and checks of them.
CPU = "max,la57=off,smap=off,smep=off,umip=off"
SKIPPED = 77  # for ctest
STALL_SECONDS = 450  # no test may take so long in the guest, by guest/run
PROGRAMS = {
    "tepui-master": "usr/sbin",
    "tepui-agent": "usr/sbin",
    "tepui-execute": "usr/bin",
    "tepui-executor": "usr/libexec/tepui",
    "tepui-default-executor": "usr/libexec/tepui",
    "tepui-containerizer": "usr/libexec/tepui",
    "tepui-fetcher": "usr/libexec/tepui",
}
TESTS = ["test_containers_linux", "test_container_isolation_linux"]


def kernel():
    """The newest cloud kernel: its file, and its version."""
    found = sorted(pathlib.Path("/boot").glob("vmlinuz-*-cloud-amd64"),
                   key=lambda p: [int(n) for n in re.findall(r"\d+", p.name)])
    if not found or not shutil.which("qemu-system-x86_64"):
        print("no machine without a kernel and QEMU: tools/dev deps vm")
        sys.exit(SKIPPED)
    return found[-1], found[-1].name[len("vmlinuz-"):]


def ours(build):
    """What is built and what lies in this folder."""
    archive = initramfs.Archive()
    programs = {"%s/%s" % (folder, name): build / "bin" / name
                for name, folder in PROGRAMS.items()}
    programs.update({"vm/" + name: build / "tests" / name for name in TESTS})
    initramfs.add_programs(archive, programs)
    # Tests of containers look for the agent's programs where they were built.
    archive.link(str(build / "bin").lstrip("/"), "/usr/libexec/tepui")
    for path in sorted((HERE / "guest").iterdir()):
        archive.file("vm/" + path.name, path, 0o755)
    archive.link("init", "vm/init")
    for path in sorted((HERE / "units").iterdir()):
        archive.file("etc/systemd/system/" + path.name, path, 0o644)
    for path in sorted((ROOT / "packaging").glob("*.service")):
        archive.file("usr/lib/systemd/system/" + path.name, path, 0o644)
    return archive


def image(build):
    folder = build / "vm"
    folder.mkdir(exist_ok=True)
    path, version = kernel()
    parts = [initramfs.cached(initramfs.system(version), folder, "system"),
             initramfs.cached(ours(build), folder, "ours")]
    whole = folder / ("initramfs-%d.cpio" % os.getpid())
    with open(whole, "wb") as out:
        for part in parts:
            with open(part, "rb") as source:
                shutil.copyfileobj(source, out)
    return path, whole


def command(kernel_path, initrd, options, shell, pattern):
    line = ["console=ttyS0", "panic=-1", "quiet", "mitigations=off", "nokaslr",
            "sysrq_always_enabled", "tsc=reliable", "clocksource=tsc",
            "systemd.unified_cgroup_hierarchy=1", "systemd.show_status=0",
            "systemd.unit=%s" % ("vm-shell.service" if shell else "vm-tests.service")]
    if pattern:
        line.append("vm.pattern=" + pattern)
    return ["qemu-system-x86_64", "-M", "pc,usb=off,vmport=off,hpet=off",
            "-accel", "tcg,thread=multi",
            "-cpu", CPU, "-smp", "2", "-m", str(MEMORY_MB), "-nodefaults",
            "-no-user-config", "-no-reboot", "-display", "none", "-kernel", str(kernel_path),
            "-initrd", str(initrd), "-append", " ".join(line)] + options


def run_shell(kernel_path, initrd):
    options = ["-serial", "mon:stdio", "-serial", "null"]
    return subprocess.run(command(kernel_path, initrd, options, True, None), check=False).returncode


def look_inside(monitor):
    """Has the kernel tell on its console what runs, what waits and where memory is."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(monitor)
        for key in "9lwtm":  # all messages, the CPUs, blocked tasks, all tasks, memory
            s.sendall(b"sendkey alt-sysrq-%s\n" % key.encode())
            time.sleep(2)


class Watch:
    """Ends a machine that runs for too long, or says nothing for too long."""

    def __init__(self, qemu, monitor, timeout):
        self.qemu, self.monitor = qemu, monitor
        self.end = time.monotonic() + timeout
        self.timer = None
        self.heard()

    def heard(self):
        self.stop()
        seconds = min(STALL_SECONDS, max(self.end - time.monotonic(), 0))
        self.timer = threading.Timer(seconds, self.late)
        self.timer.start()

    def late(self):
        try:
            look_inside(self.monitor)
        except OSError as error:
            print("the machine's monitor: %s" % error)
        self.qemu.kill()

    def stop(self):
        if self.timer:
            self.timer.cancel()


def run_tests(kernel_path, initrd, folder, timeout, pattern):
    """The console goes to a file, the tests' words to us; 0 if they end in "N passed, 0 failed"."""
    log = folder / "console.log"
    scratch = tempfile.mkdtemp(prefix="tepui-vm-")  # paths of sockets have to be short
    monitor = os.path.join(scratch, "monitor")
    options = ["-serial", "file:%s" % log, "-serial", "stdio",
               "-monitor", "unix:%s,server,nowait" % monitor]
    begin = time.monotonic()
    with subprocess.Popen(command(kernel_path, initrd, options, False, pattern),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as qemu:
        watch = Watch(qemu, monitor, timeout)
        verdict = None
        for line in qemu.stdout:
            watch.heard()
            text = line.decode(errors="replace").rstrip()
            print("%6.1f  %s" % (time.monotonic() - begin, text), flush=True)
            verdict = re.fullmatch(r"(\d+) passed, (\d+) failed", text) or verdict
        watch.stop()
        qemu.wait()
    shutil.rmtree(scratch)
    if verdict is None:
        print("the machine did not come to an end (QEMU: %d); its console:" % qemu.returncode)
        print(log.read_text(errors="replace")[-40000:])
        return 1
    return 0 if int(verdict.group(1)) > 0 and verdict.group(2) == "0" else 1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--timeout", type=float, default=1100, help="seconds")
    parser.add_argument("--shell", action="store_true")
    parser.add_argument("pattern", nargs="?")
    arguments = parser.parse_args()
    build = arguments.build.resolve()
    kernel_path, initrd = image(build)
    try:
        if arguments.shell:
            return run_shell(kernel_path, initrd)
        return run_tests(kernel_path, initrd, build / "vm", arguments.timeout, arguments.pattern)
    finally:
        initrd.unlink()


if __name__ == "__main__":
    sys.exit(main())
