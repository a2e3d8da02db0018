#!/usr/bin/python3
"""bench_load.py [AGENTS [FRAMEWORKS [TASKS]]]: a master at size (2000, 5, 10).

AGENTS agents, whom this program plays at one address, register again, each with FRAMEWORKS
frameworks of TASKS running tasks. Then: how long that took, the master's memory after each step
(and the most that it was), reads of whole state, /health beside readers, the reconciliation of
100,000 tasks, and what is left of all that when the heap has been trimmed."""
import http.client
import multiprocessing
import socket
import statistics
import struct
import threading
import time

from outside import cpu_s, figure, kit, memory_mib, numbers, timed
from fake_agents import field  # found by what outside does

AGENTS, FRAMEWORKS, TASKS = numbers(2000, 5, 10)
READERS, READ_S = 5, 10
RECONCILED = 100000
IDLE_S = 5
TRIMMED_S = 15  # a heap is trimmed 10 s after it was noticed that it is large
NAME = "agent-00000000"
UUID = b"\1" * 16
RUNNING = 1  # TASK_RUNNING


# --- messages ---

def text(value):
    """A message whose field 1 is a text, such as an id."""
    return field(1, value)


def scalar(name, amount, role=None):
    """A Resource."""
    return (field(1, name) + field(2, 0) + field(3, b"\x09" + struct.pack("<d", amount)) +
            (field(11, text(role)) if role else b""))


def framework_id(number):
    return text("11111111-2222-3333-4444-555555555555-%04d" % number)


def framework(number):
    capabilities = b"".join(field(10, field(1, n)) for n in (6, 7))
    return (field(1, "root") + field(2, "framework-%d" % number) + field(3, framework_id(number)) +
            b"\x21" + struct.pack("<d", 1e6) + field(5, 1) + capabilities +
            field(12, "role-%d" % number))


def task(framework_number, number):
    name, role = "%s-%d-%d" % (NAME, framework_number, number), "role-%d" % framework_number
    address = field(1, field(5, field(2, "10.0.0.1")))
    status = (field(1, text(name)) + field(2, RUNNING) + field(5, text(NAME)) + b"\x31" +
              struct.pack("<d", 1.7e9) + field(9, 2) + field(11, UUID) + field(13, address))
    labels = b"".join(field(1, field(1, k) + field(2, v))
                      for k, v in (("team", "search"), ("stage", "production")))
    return (field(1, "web") + field(2, text(name)) + field(3, framework_id(framework_number)) +
            field(5, text(NAME)) + field(6, RUNNING) + field(7, scalar("cpus", 0.1, role)) +
            field(7, scalar("mem", 32, role)) + field(8, status) + field(9, RUNNING) +
            field(10, UUID) + field(11, labels))


def reregister(port):
    """ReregisterSlaveMessage of the agent NAME."""
    resources = [scalar("cpus", FRAMEWORKS * TASKS), scalar("mem", 1 << 16),
                 scalar("disk", 1 << 20)]
    info = (field(1, NAME) + b"".join(field(3, r) for r in resources) + field(6, text(NAME)) +
            field(7, 1) + field(8, port))
    return (field(2, info) + b"".join(field(3, task(f, t)) for f in range(FRAMEWORKS)
                                      for t in range(TASKS)) +
            field(6, "1.12.0") + b"".join(field(8, framework(f)) for f in range(FRAMEWORKS)) +
            b"".join(field(9, field(1, n)) for n in (1, 2, 3, 5, 6, 7, 8)) +
            field(10, text(UUID)))


class Fleet:
    """All agents: one port, on which only the answers to registrations are counted."""

    ANSWER = b"SlaveReregisteredMessage"

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self.listener.getsockname()[1]
        self.answers, self.all = 0, threading.Event()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            link, _ = self.listener.accept()
            threading.Thread(target=self.count, args=(link,), daemon=True).start()

    def count(self, link):
        rest = b""
        while data := link.recv(1 << 20):
            data = rest + data
            self.answers += data.count(self.ANSWER)
            rest = data[-(len(self.ANSWER) - 1):]
            if self.answers >= AGENTS:
                self.all.set()

    def register(self, master):
        """Seconds from the first byte that is sent to the last answer, and the bytes."""
        body = reregister(self.port)
        head = ("POST /master/mesos.internal.ReregisterSlaveMessage HTTP/1.1\r\n"
                "User-Agent: libprocess/slave(%d)@127.0.0.1:%d\r\nHost: master\r\n"
                "Connection: Keep-Alive\r\nContent-Length: %d\r\n\r\n")
        sent = b"".join((head % (i, self.port, len(body))).encode() +
                        body.replace(NAME.encode(), b"agent-%08d" % i) for i in range(AGENTS))
        with socket.create_connection(("127.0.0.1", master.port)) as connection:
            threading.Thread(target=lambda: [None for _ in iter(
                lambda: connection.recv(1 << 16), b"")], daemon=True).start()
            start = time.monotonic()
            connection.sendall(sent)
            if not self.all.wait(300):
                raise SystemExit("%d of %d agents are back" % (self.answers, AGENTS))
            took = time.monotonic() - start
            connection.shutdown(socket.SHUT_RDWR)
        return took, len(sent)


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
        took, size = Fleet().register(master)
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
