"""What the benchmarks of whole daemons share: a cluster of the programs that were built (kit.py of
the integration tests), and figures of a process as the kernel counts them.

TEPUI_BIN names the folder of the programs, as for the integration tests."""
import json
import os
import pathlib
import re
import statistics
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
os.environ.setdefault("TEPUI_BIN", str(ROOT / "build" / "bin"))
sys.path.insert(0, str(ROOT / "tests" / "integration"))

import kit  # noqa: E402 (found by the path above)

# What isolates a task with the linux launcher, of what needs no more than root.
LINUX = {"launcher": "linux",
         "isolation": "cgroups/cpu,cgroups/mem,namespaces/pid,filesystem/linux"}


def numbers(*defaults):
    """The numbers given as arguments, and the defaults of those that are not."""
    given = [int(x) for x in sys.argv[1:]]
    if len(given) > len(defaults):
        raise SystemExit("%s: at most %d numbers" % (sys.argv[0], len(defaults)))
    return given + list(defaults[len(given):])


def figure(name, value):
    """One line, as soon as it is known."""
    print("%-44s %s" % (name, value), flush=True)


def spread(times_s):
    """Times in seconds as text: the median, the 90th percentile and the longest."""
    ordered = sorted(times_s)
    return "p50 %.1f, p90 %.1f, max %.1f ms" % tuple(
        x * 1e3 for x in (statistics.median(ordered), ordered[len(ordered) * 9 // 10],
                          ordered[-1]))


def memory_mib(process):
    """Resident memory: now, and the most that it was (MiB)."""
    text = pathlib.Path("/proc/%d/status" % process.pid).read_text()
    return tuple(int(re.search(r"%s:\s+(\d+)" % name, text)[1]) / 1024
                 for name in ("VmRSS", "VmHWM"))


def cpu_s(pid):
    """Seconds of CPU that a process has had, in user and kernel mode together."""
    fields = pathlib.Path("/proc/%d/stat" % pid).read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def waited_s(pid):
    """Seconds for which its first thread could have run, and had no CPU: others had them."""
    return int(pathlib.Path("/proc/%d/schedstat" % pid).read_text().split()[1]) / 1e9


def written_bytes(process):
    """What a process has caused to be written to disks."""
    text = pathlib.Path("/proc/%d/io" % process.pid).read_text()
    return int(re.search(r"^write_bytes: (\d+)", text, re.M)[1])


def metric(daemon, name):
    return json.loads(daemon.get("/metrics/snapshot"))[name]


def timed(action):
    """(seconds, what it returned)"""
    start = time.monotonic()
    result = action()
    return time.monotonic() - start, result
