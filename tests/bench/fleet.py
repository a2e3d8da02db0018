"""Many agents at one address, whom a benchmark plays: they register again with a master, each with
FRAMEWORKS frameworks of TASKS running tasks, as after a failover."""
import socket
import struct
import threading
import time

import outside  # noqa: F401 (it finds the next)
from fake_agents import CAPABILITIES, field

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


def reregister(port, frameworks, tasks):
    """ReregisterSlaveMessage of the agent NAME."""
    resources = [scalar("cpus", frameworks * tasks), scalar("mem", 1 << 16),
                 scalar("disk", 1 << 20)]
    info = (field(1, NAME) + b"".join(field(3, r) for r in resources) + field(6, text(NAME)) +
            field(7, 1) + field(8, port))
    return (field(2, info) + b"".join(field(3, task(f, t)) for f in range(frameworks)
                                      for t in range(tasks)) +
            field(6, "1.12.0") + b"".join(field(8, framework(f)) for f in range(frameworks)) +
            b"".join(field(9, c) for c in CAPABILITIES) +
            field(10, text(UUID)))


# --- the agents ---

class Fleet:
    """All agents: one port, on which only the answers to registrations are counted."""

    ANSWER = b"SlaveReregisteredMessage"

    def __init__(self, agents, frameworks, tasks):
        self.agents, self.frameworks, self.tasks = agents, frameworks, tasks
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
        while data := receive(link):
            data = rest + data
            self.answers += data.count(self.ANSWER)
            rest = data[-(len(self.ANSWER) - 1):]
            if self.answers >= self.agents:
                self.all.set()

    def messages(self):
        """What all of them send."""
        body = reregister(self.port, self.frameworks, self.tasks)
        head = ("POST /master/mesos.internal.ReregisterSlaveMessage HTTP/1.1\r\n"
                "User-Agent: libprocess/slave(%d)@127.0.0.1:%d\r\nHost: master\r\n"
                "Connection: Keep-Alive\r\nContent-Length: %d\r\n\r\n")
        return b"".join((head % (i, self.port, len(body))).encode() +
                        body.replace(NAME.encode(), b"agent-%08d" % i) for i in range(self.agents))

    def register(self, master):
        """Seconds from the first byte that is sent to the last answer, and the bytes. Can be done
        again, when the master was started again."""
        sent = self.messages()
        self.answers = 0
        self.all.clear()
        with socket.create_connection(("127.0.0.1", master.port)) as connection:
            threading.Thread(target=lambda: [None for _ in iter(
                lambda: receive(connection), b"")], daemon=True).start()
            start = time.monotonic()
            connection.sendall(sent)
            if not self.all.wait(300):
                raise SystemExit("%d of %d agents are back" % (self.answers, self.agents))
            took = time.monotonic() - start
            connection.shutdown(socket.SHUT_RDWR)
        return took, len(sent)


def receive(link):
    """Some bytes; none when it is over, also by a crash of the other side."""
    try:
        return link.recv(1 << 20)
    except OSError:
        return b""
