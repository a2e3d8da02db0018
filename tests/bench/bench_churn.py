#!/usr/bin/python3
"""bench_churn.py [TASKS [AGENTS [PER_OFFER]]]: short tasks through a master (20000, 50, 100).

One scheduler launches TASKS tasks, PER_OFFER at most on an offer, on AGENTS agents that a process
of this program plays: each task is launched, told to run, acknowledged, told to be finished,
acknowledged. Printed: tasks a second, the master's CPU and memory, and the CPU of the two players,
who are what limits the rate unless the master uses a core by itself."""
import contextlib
import json
import multiprocessing
import os
import re
import socket
import struct
import threading
import time

from outside import cpu_s, figure, kit, memory_mib, metric, numbers
from fake_agents import field  # found by what outside does

TASKS, AGENTS, PER_OFFER = numbers(20000, 50, 100)
RUNNING, FINISHED = 1, 2  # TASK_...
TASK = re.compile(rb"task-\d{8}")
PLACEHOLDER, UUID = b"task-99999999", b"uuid-of-16-bytes"
CPUS, MEM = 0.1, 32


def scalar(name, amount):
    return field(1, name) + field(2, 0) + field(3, b"\x09" + struct.pack("<d", amount))


def text(value):
    return field(1, value)


def drain(connection):
    """Reads answers, of which none matters."""
    with contextlib.suppress(OSError):
        while connection.recv(1 << 16):
            pass


class Requests:
    """The requests on a connection, cut out of what comes: (path, body)."""

    def __init__(self, connection):
        self.stream = connection.makefile("rb", 1 << 20)

    def __iter__(self):
        while line := self.stream.readline():
            size, chunked = 0, False
            for header in iter(self.stream.readline, b"\r\n"):
                name, _, value = header.partition(b":")
                if name.lower() == b"content-length":
                    size = int(value)
                elif name.lower() == b"transfer-encoding":
                    chunked = True
            body = self.stream.read(size)
            while chunked and (size := int(self.stream.readline(), 16)) >= 0:
                body += self.stream.read(size)
                self.stream.readline()
                chunked = size != 0
            yield line.split(b" ")[1], body


class Agents:
    """All agents at one address: one connection to the master, and what it opens to them."""

    def __init__(self, port):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.master = socket.create_connection(("127.0.0.1", port))
        threading.Thread(target=drain, args=(self.master,), daemon=True).start()
        self.agent_ids, self.templates, self.running, self.serial = {}, {}, set(), 0

    def message(self, actor, name, body):
        return (b"POST /master/mesos.internal.%s HTTP/1.1\r\n"
                b"User-Agent: libprocess/%s@127.0.0.1:%d\r\nHost: master\r\n"
                b"Connection: Keep-Alive\r\nContent-Length: %d\r\n\r\n%s" % (
                    name, actor, self.port, len(body), body))

    def register(self):
        capabilities = b"".join(field(4, field(1, n)) for n in (1, 2, 3, 5, 6, 7, 8))
        for n in range(AGENTS):
            info = (field(1, "agent-%d" % n) + field(3, scalar("cpus", 10000)) +
                    field(3, scalar("mem", 1e7)) + field(3, scalar("disk", 1e7)) + field(7, 1) +
                    field(8, self.port))
            self.master.sendall(self.message(b"slave(%d)" % n, b"RegisterSlaveMessage",
                                             field(1, info) + field(2, "1.12.0") + capabilities))

    def update(self, actor, framework_id, state):
        """A StatusUpdateMessage for PLACEHOLDER, ready to be sent when task and UUID are put in."""
        agent_id = self.agent_ids[actor]
        status = (field(1, text(PLACEHOLDER)) + field(2, state) + field(5, text(agent_id)) +
                  b"\x31" + struct.pack("<d", time.time()) + field(7, text(PLACEHOLDER)) +
                  field(9, 2) + field(11, UUID))
        update = (field(1, text(framework_id)) + field(2, text(PLACEHOLDER)) +
                  field(3, text(agent_id)) + field(4, status) + b"\x29" +
                  struct.pack("<d", time.time()) + field(6, UUID) + field(7, state))
        pid = b"%s@127.0.0.1:%d" % (actor, self.port)
        return self.message(actor, b"StatusUpdateMessage", field(1, update) + field(2, pid))

    def tell(self, actor, state, task):
        self.serial += 1
        template = self.templates[actor, state]
        self.master.sendall(template.replace(PLACEHOLDER, task).replace(
            UUID, b"%016d" % self.serial))

    def serve(self, connection):
        for path, body in Requests(connection):
            _, actor, name = path.replace(b"%28", b"(").replace(b"%29", b")").split(b"/")
            if name == b"mesos.internal.SlaveRegisteredMessage":
                self.agent_ids[actor] = re.search(rb"[0-9a-f-]{36}-S\d+", body)[0]
            elif name == b"mesos.internal.RunTaskMessage":
                task = TASK.search(body)[0]
                if (actor, RUNNING) not in self.templates:
                    framework_id = re.search(rb"[0-9a-f-]{36}-\d{4}", body)[0]
                    for state in (RUNNING, FINISHED):
                        self.templates[actor, state] = self.update(actor, framework_id, state)
                self.running.add(task)
                self.tell(actor, RUNNING, task)
            elif name == b"mesos.internal.StatusUpdateAcknowledgementMessage":
                task = TASK.search(body)[0]
                if task in self.running:
                    self.running.remove(task)
                    self.tell(actor, FINISHED, task)

    def run(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()


def play_agents(port, told):
    agents = Agents(port)
    agents.register()
    told.put(True)
    agents.run()


class Launcher:
    """A scheduler that looks into events with as little work as can be."""

    FIELDS = [re.compile(rb'"%s":\{"value":"([^"]+)"' % n) for n in (b"agent_id", b"task_id")]
    FIELD_UUID = re.compile(rb'"uuid":"([^"]+)"')

    def __init__(self, master):
        self.kit = kit.Scheduler(master, checkpoint=False)
        self.calls = socket.create_connection(("127.0.0.1", master.port))
        threading.Thread(target=drain, args=(self.calls,), daemon=True).start()
        self.launched = self.finished = 0
        self.started = None

    def call(self, body):
        self.calls.sendall(
            b"POST /api/v1/scheduler HTTP/1.1\r\nHost: master\r\nMesos-Stream-Id: %s\r\n"
            b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
                self.kit.stream_id.encode(), len(body), body))

    def records(self):
        rest = b""
        while True:
            rest += self.kit.stream.read1(1 << 20)
            while (end := rest.find(b"\n")) >= 0:
                size = int(rest[:end])
                if len(rest) - end - 1 < size:
                    break
                yield rest[end + 1:end + 1 + size]
                rest = rest[end + 1 + size:]

    def acknowledge(self, event):
        agent_id, task_id = (f.search(event)[1] for f in self.FIELDS)
        self.call(b'{"type":"ACKNOWLEDGE","framework_id":{"value":"%s"},"acknowledge":{'
                  b'"agent_id":{"value":"%s"},"task_id":{"value":"%s"},"uuid":"%s"}}' % (
                      self.kit.framework_id.encode(), agent_id, task_id,
                      self.FIELD_UUID.search(event)[1]))

    def accept(self, offer):
        allocation = {"allocation_info": offer["allocation_info"]}
        resources = [dict({"name": n, "type": "SCALAR", "scalar": {"value": v}}, **allocation)
                     for n, v in (("cpus", CPUS), ("mem", MEM))]
        has = {r["name"]: r["scalar"]["value"] for r in offer["resources"]}
        count = min(PER_OFFER, TASKS - self.launched, int(has.get("cpus", 0) / CPUS + 0.01),
                    int(has.get("mem", 0) / MEM))
        tasks = [{"name": "t", "task_id": {"value": "task-%08d" % n},
                  "agent_id": offer["agent_id"], "command": {"value": "true"},
                  "resources": resources}
                 for n in range(self.launched, self.launched + count)]
        self.launched += count
        self.started = self.started or time.monotonic()
        self.call(json.dumps({
            "type": "ACCEPT", "framework_id": {"value": self.kit.framework_id}, "accept": {
                "offer_ids": [offer["id"]],
                "operations": [{"type": "LAUNCH", "launch": {"task_infos": tasks}}]
                if tasks else [],
                "filters": {"refuse_seconds": 0 if self.launched < TASKS else 3600}}},
            separators=(",", ":")).encode())

    def run(self):
        """Until all tasks are finished: how long that took."""
        for event in self.records():
            if b'"type":"UPDATE"' in event:
                if b"TASK_RUNNING" not in event and b"TASK_FINISHED" not in event:
                    raise SystemExit("a task is not as it should be: %s" % event.decode())
                self.acknowledge(event)
                self.finished += b"TASK_FINISHED" in event
                if self.finished == TASKS:
                    return time.monotonic() - self.started
            elif b'"type":"OFFERS"' in event:
                for offer in json.loads(event)["offers"]["offers"]:
                    self.accept(offer)


def main():
    with kit.Cluster() as cluster:
        master = cluster.master(agent_ping_timeout="15mins", max_agent_ping_timeouts=10,
                                allocation_interval="50ms", logging_level="WARNING")
        context = multiprocessing.get_context("fork")
        told = context.Queue()
        agents = context.Process(target=play_agents, args=(master.port, told), daemon=True)
        agents.start()
        told.get()
        kit.until(lambda: metric(master, "master/slaves_active") == AGENTS, 60, "all agents")
        pids = {"master": master.process.pid, "scheduler": os.getpid(), "agents": agents.pid}
        before = {who: cpu_s(pid) for who, pid in pids.items()}
        took = Launcher(master).run()
        used = {who: cpu_s(pid) - before[who] for who, pid in pids.items()}
        if metric(master, "master/tasks_finished") != TASKS:
            raise SystemExit("the master counts other tasks than the scheduler")
        figure("%d tasks on %d agents" % (TASKS, AGENTS), "%.2f s, %.0f tasks and %.0f updates a "
               "second" % (took, TASKS / took, 2 * TASKS / took))
        for who, cpu in used.items():
            figure("CPU of the %s" % who, "%.0f us a task" % (cpu / TASKS * 1e6))
        figure("memory of the master; at most", "%.0f; %.0f MiB" % memory_mib(master.process))
        agents.terminate()


main()
