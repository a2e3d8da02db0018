"""Starts the daemons that were built, and plays a small v1 scheduler in JSON, with the standard
library alone. TEPUI_BIN names the folder of the programs."""
import contextlib
import http.client
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time

BIN = pathlib.Path(os.environ["TEPUI_BIN"])
TICK_S = 0.02  # between two looks at what is waited for
# Nothing here is a measurement: a machine that is slow, or stands still for a while, is no fault.
WAIT_SECONDS = 120
EVENT_SECONDS = 120  # that an event of a scheduler is waited for
PORTS = range(12000, 30000)  # below those that the kernel gives to clients

held = []  # sockets of the ports given out


def free_port():
    """A port that stays ours as long as this process lives: it is bound, so that nobody else finds
    it free, and a daemon that reuses addresses, as all do that listen, may listen on it."""
    while True:
        port = random.choice(PORTS)
        s = socket.socket()
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            s.close()
            continue
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.append(s)
        return port


class Late(AssertionError):
    """What was waited for did not come true."""


def until(check, seconds=WAIT_SECONDS, what="a condition"):
    """Calls check() until it gives something true, and returns that."""
    end = time.monotonic() + seconds
    while True:
        try:
            got = check()
        except (OSError, http.client.HTTPException, ValueError, KeyError):
            got = None
        if got:
            return got
        if time.monotonic() >= end:
            raise Late("%s did not come true in %s s" % (what, seconds))
        time.sleep(TICK_S)


def expect(status, body, wanted):
    """ConnectionError if whoever answers so does not lead, or not yet: `until` goes on then."""
    if status in (307, 503):
        raise ConnectionError(status, body)
    assert status == wanted, (status, body)


class Daemon:
    """`within`: a command that runs it somewhere else, such as another network namespace."""

    def __init__(self, program, port, folder, flags, host="127.0.0.1", within=()):
        self.program, self.port, self.folder, self.flags = program, port, folder, flags
        self.host, self.within = host, within
        self.process = None

    def spawn(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        log = open(self.folder / "log", "ab")
        self.process = subprocess.Popen(
            [*self.within, BIN / self.program] + ["--%s=%s" % f for f in self.flags.items()],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder)
        log.close()
        return self

    def start(self):
        self.spawn()
        until(lambda: self.get("/health") is not None, what="%s answering" % self.program)
        return self

    def kill(self, number=signal.SIGKILL):
        self.process.send_signal(number)
        return self.process.wait(WAIT_SECONDS)

    def request(self, method, path, body=None, headers=None, timeout=WAIT_SECONDS):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def get(self, path):
        status, body = self.request("GET", path)
        expect(status, body, 200)
        return body

    def state(self):
        return json.loads(self.get("/state"))

    def rss_mib(self):
        for line in open("/proc/%d/status" % self.process.pid):
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024


class Cluster:
    """A master and agents in a folder of their own; all is ended with the `with` block."""

    def __enter__(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="tepui-test-"))
        self.daemons = []
        return self

    def __exit__(self, *exc):
        for d in self.daemons:
            if d.process.poll() is None:
                d.kill()
        for pid in self.leftovers():
            with contextlib.suppress(ProcessLookupError):  # it may end with its agent
                os.kill(pid, signal.SIGKILL)
        if exc[0] is None:
            shutil.rmtree(self.root, ignore_errors=True)
        else:
            print("kept: %s" % self.root)

    def leftovers(self):
        """Processes whose sandbox is in our folder."""
        found = []
        for p in pathlib.Path("/proc").iterdir():
            if p.name.isdigit():
                try:
                    if ("MESOS_SANDBOX=%s" % self.root).encode() in (p / "environ").read_bytes():
                        found.append(int(p.name))
                except OSError:
                    pass
        return found

    def add(self, program, name, flags, port=None):
        port = port or free_port()
        folder = self.root / name
        every = {"ip": "127.0.0.1", "hostname": "127.0.0.1", "port": port,
                 "work_dir": folder / "work"}
        d = Daemon(program, port, folder, dict(every, **flags))
        self.daemons.append(d)
        return d.start()

    def master(self, **flags):
        return self.add("tepui-master", "master",
                        dict({"registry": "in_memory", "allocation_interval": "100ms"}, **flags))

    def agent(self, master, name="agent", find=None, **flags):
        """find: --master, if not that master's address."""
        defaults = {"master": find or "127.0.0.1:%d" % master.port, "launcher": "posix",
                    "isolation": "posix/cpu,posix/mem", "systemd_enable_support": "false",
                    "runtime_dir": self.root / name / "run",
                    "fetcher_cache_dir": self.root / name / "fetch",
                    "registration_backoff_factor": "20ms",
                    "executor_registration_timeout": "10mins",
                    "executor_reregistration_timeout": "15secs",  # no more is allowed
                    "resources": "cpus:16;mem:16384;disk:16384;ports:[31000-32000]"}
        a = self.add("tepui-agent", name, dict(defaults, **flags))
        until(lambda: any(s["active"] and s["port"] == a.port
                          for s in json.loads(master.get("/slaves"))["slaves"]),
              what="the agent registered")
        return a


class Scheduler:
    """Subscribes, and keeps what comes. Events are taken one by one."""

    def __init__(self, master, framework_id=None, **info):
        self.master = master
        self.framework_id = framework_id
        self.info = dict({"user": "root", "name": "test", "roles": ["*"], "checkpoint": True,
                          "failover_timeout": 600.0,
                          "capabilities": [{"type": "MULTI_ROLE"}, {"type": "PARTITION_AWARE"}]},
                         **info)
        self.calls = None
        self.subscribe()

    def subscribe(self):
        call = {"type": "SUBSCRIBE", "subscribe": {"framework_info": dict(self.info)}}
        if self.framework_id:
            call["framework_id"] = {"value": self.framework_id}
            call["subscribe"]["framework_info"]["id"] = {"value": self.framework_id}
        self.connection = http.client.HTTPConnection(self.master.host, self.master.port,
                                                     timeout=WAIT_SECONDS)
        self.connection.request("POST", "/api/v1/scheduler", json.dumps(call),
                                {"Content-Type": "application/json",
                                 "Accept": "application/json"})
        self.stream = self.connection.getresponse()
        if self.stream.status != 200:
            expect(self.stream.status, self.stream.read(), 200)
        self.stream_id = self.stream.getheader("Mesos-Stream-Id")
        self.framework_id = self.event("SUBSCRIBED")["subscribed"]["framework_id"]["value"]

    def record(self):
        length = b""
        while not length.endswith(b"\n"):
            piece = self.stream.read(1)
            if not piece:
                raise ConnectionError("the stream has ended")
            length += piece
        return json.loads(self.stream.read(int(length)))

    def event(self, *types):
        """The next event of these types; heartbeats alone do not keep the test waiting for ever."""
        end = time.monotonic() + EVENT_SECONDS
        while time.monotonic() < end:
            got = self.record()
            if got["type"] in types:
                return got
        raise AssertionError("no %s within %d s" % (" or ".join(types), EVENT_SECONDS))

    def call(self, kind, **fields):
        body = dict({"type": kind, "framework_id": {"value": self.framework_id}}, **fields)
        if self.calls is None:
            self.calls = http.client.HTTPConnection(self.master.host, self.master.port,
                                                    timeout=WAIT_SECONDS)
        self.calls.request("POST", "/api/v1/scheduler", json.dumps(body),
                           {"Content-Type": "application/json",
                            "Mesos-Stream-Id": self.stream_id})
        answer = self.calls.getresponse()
        expect(answer.status, answer.read(), 202)

    def acknowledge(self, status):
        if "uuid" in status:
            self.call("ACKNOWLEDGE", acknowledge={
                "agent_id": status["agent_id"], "task_id": status["task_id"],
                "uuid": status["uuid"]})

    def launch(self, offer, commands, cpus=0.1, mem=32):
        """commands: {task id: shell command}"""
        def scalar(name, value):
            return {"name": name, "type": "SCALAR", "scalar": {"value": value},
                    "allocation_info": {"role": "*"}}
        tasks = [{"name": i, "task_id": {"value": i}, "agent_id": offer["agent_id"],
                  "command": {"value": c},
                  "resources": [scalar("cpus", cpus), scalar("mem", mem)]}
                 for i, c in commands.items()]
        self.call("ACCEPT", accept={
            "offer_ids": [offer["id"]], "filters": {"refuse_seconds": 0.1},
            "operations": [{"type": "LAUNCH", "launch": {"task_infos": tasks}}]})

    def close(self):
        self.connection.close()
        if self.calls:
            self.calls.close()
            self.calls = None
