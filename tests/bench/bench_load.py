#!/usr/bin/python3
"""bench_load.py [AGENTS [FRAMEWORKS [TASKS]]]: a master at size (2000, 5, 10).

AGENTS agents, whom this program plays at one address, register again, each with FRAMEWORKS
frameworks of TASKS running tasks. Then: how long that took, the master's memory after each step
(and the most that it was), reads of whole state, /health beside readers, the reconciliation of
100,000 tasks, and what is left of all that when the heap has been trimmed."""
import http.client
import multiprocessing
import statistics
import threading
import time

from outside import cpu_s, figure, kit, memory_mib, numbers, timed
from fleet import Fleet

AGENTS, FRAMEWORKS, TASKS = numbers(2000, 5, 10)
READERS, READ_S = 5, 10
RECONCILED = 100000
IDLE_S = 5
TRIMMED_S = 15  # a heap is trimmed 10 s after it was noticed that it is large


# --- reads ---

READS = [("/state", "GET", "/state", None, {}),
         ("/state-summary", "GET", "/state-summary", None, {}),
         ("/slaves", "GET", "/slaves", None, {})] + [
    ("GET_STATE in " + kind, "POST", "/api/v1", b'{"type":"GET_STATE"}',
     {"Content-Type": "application/json", "Accept": "application/" + kind})
    for kind in ("json", "x-protobuf")]


def read(master, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", master.port, timeout=120)
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    size = 0
    while piece := answer.read(1 << 20):
        size += len(piece)
    connection.close()
    if answer.status != 200:
        raise SystemExit("%s: %s" % (path, answer.status))
    return size


def crowd(master):
    """/health while others, each a process of its own, read /state over and over."""
    end = time.monotonic() + READ_S
    times = multiprocessing.SimpleQueue()

    def reads():
        while time.monotonic() < end:
            times.put(timed(lambda: read(master, "GET", "/state"))[0])
    readers = [multiprocessing.get_context("fork").Process(target=reads) for _ in range(READERS)]
    for reader in readers:
        reader.start()
    health = []
    while time.monotonic() < end:
        health.append(timed(lambda: read(master, "GET", "/health"))[0] * 1e3)
        time.sleep(0.01)
    for reader in readers:
        reader.join()
    took = []
    while not times.empty():
        took.append(times.get() * 1e3)
    health.sort()
    figure("/health beside %d readers of /state" % READERS, "p50 %.1f, p99 %.1f, max %.1f ms" % (
        statistics.median(health), health[len(health) * 99 // 100], health[-1]))
    figure("/state for each of them", "p50 %.0f ms, %d reads" % (statistics.median(took),
                                                                 len(took)))


def reconcile(master):
    """A framework asks for tasks that nobody knows, and is told of every one."""
    scheduler = kit.Scheduler(master)
    tasks = [{"task_id": {"value": "unknown-%06d" % i}} for i in range(RECONCILED)]
    mark, count, rest = b"REASON_RECONCILIATION", 0, b""
    start = time.monotonic()
    threading.Thread(target=scheduler.call, args=("RECONCILE",),
                     kwargs={"reconcile": {"tasks": tasks}}, daemon=True).start()
    while count < RECONCILED:
        data = rest + scheduler.stream.read1(1 << 20)
        count += data.count(mark)
        rest = data[-(len(mark) - 1):]
    figure("reconciliation of %d tasks" % RECONCILED, "%.2f s" % (time.monotonic() - start))
    scheduler.close()


def remember(master, what):
    figure("  memory %s; at most" % what, "%.0f; %.0f MiB" % memory_mib(master.process))
    # From here on the most is counted anew.
    with open("/proc/%d/clear_refs" % master.process.pid, "w") as file:
        file.write("5")


def main():
    with kit.Cluster() as cluster:
        master = cluster.master(agent_ping_timeout="15mins", max_agent_ping_timeouts=10,
                                allocation_interval="1secs", logging_level="WARNING")
        remember(master, "idle")
        took, size = Fleet(AGENTS, FRAMEWORKS, TASKS).register(master)
        figure("%d agents with %d tasks each are back" % (AGENTS, FRAMEWORKS * TASKS),
               "%.2f s (%.0f MB sent)" % (took, size / 1e6))
        remember(master, "then")
        time.sleep(IDLE_S)
        before = cpu_s(master.process.pid)
        time.sleep(IDLE_S)
        figure("idle CPU", "%.1f %% of a core" % (
            (cpu_s(master.process.pid) - before) / IDLE_S * 100))
        for name, *request in READS:
            cpu = cpu_s(master.process.pid)
            took = [timed(lambda: read(master, *request)) for _ in range(5)]
            cpu = cpu_s(master.process.pid) - cpu
            figure(name, "%.0f ms, the first %.0f; CPU %.0f ms; %.1f MB" % (
                statistics.median(t for t, _ in took) * 1e3, took[0][0] * 1e3, cpu / 5 * 1e3,
                took[-1][1] / 1e6))
            remember(master, "then")
        crowd(master)
        remember(master, "then")
        reconcile(master)
        remember(master, "then")
        time.sleep(TRIMMED_S)
        remember(master, "%d s later" % TRIMMED_S)


main()
