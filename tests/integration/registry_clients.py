"""Clients that change and read the registry through whoever leads, and record what they saw."""
import http.client
import json
import random
import threading
import time

import fake_agents
from registry_model import ADMITTED, GONE

CALL_SECONDS = 8      # for an answer; longer than --registry_store_timeout
CONNECT_SECONDS = 0.5
PAUSE_SECONDS = 0.02  # between two operations
ADMIT_SECONDS = 4     # until an agent counts as not answered
# Answers of a master that has done nothing.
NOT_DONE = ("No leader elected", "Master has not finished recovery", "being transitioned")


class History:
    """Operations of all clients, by the clock of this process, in seconds since the beginning."""

    def __init__(self):
        self.began = time.monotonic()
        self.lock = threading.Lock()
        self.events = []
        self.started = {}  # by process of a master
        self.keys = {}     # of agents, by the id that a master gave

    def now(self):
        return time.monotonic() - self.began

    def start(self, leader):
        self.started[leader] = self.now()

    def add(self, event):
        with self.lock:
            self.events.append(event)

    def identify(self, identity, hostname):
        """The object that an agent is; the names of our agents end in their numbers."""
        with self.lock:
            if hostname is not None:
                self.keys[identity] = ("agent", int(hostname.rpartition("-")[2]))
            return self.keys.get(identity, ("agent", identity))

    def count(self, outcome, kind=None):
        return sum(1 for e in self.events
                   if e["outcome"] == outcome and kind in (None, e["kind"]))

    def dump(self, path):
        with open(path, "w") as f:
            for e in sorted(self.events, key=lambda e: e["invoked"]):
                shown = dict(e)
                if e["kind"] == "read" and "result" in e:
                    shown["result"] = {"/".join(map(str, k)): v for k, v in e["result"].items()}
                f.write(json.dumps(shown) + "\n")


class Unsent(Exception):
    """Whoever was asked does not listen, or does not lead."""


class Client(threading.Thread):
    """Asks one thing after another; `operations` are methods by name, with weights."""

    def __init__(self, number, group, agents, history, seed, operations, admits_per_s):
        super().__init__(daemon=True)
        self.number, self.group, self.agents, self.history = number, group, agents, history
        self.rng = random.Random("%s/%d" % (seed, number))
        self.operations, self.admits_per_s, self.admits = operations, admits_per_s, 0
        self.master = self.rng.choice(group.masters)
        self.stopping = threading.Event()
        self.error = None
        self.serial = 0

    # --- asking ---

    def ask(self, master, method, path, body=None, headers=None):
        """(status, headers, body). Unsent if it is certain that nobody got it."""
        c = http.client.HTTPConnection(master.host, master.port, timeout=CONNECT_SECONDS)
        try:
            try:
                c.connect()
            except OSError:
                raise Unsent
            c.sock.settimeout(CALL_SECONDS)
            c.request(method, path, body, headers or {})
            answer = c.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            c.close()

    def judge(self, status, headers, body):
        """Unsent if the master says that it did nothing; it may tell who leads."""
        if status == 307:
            host = headers["Location"].lstrip("/").partition(":")[0]
            self.master = next(m for m in self.group.masters if m.host == host)
            raise Unsent
        if status == 503 and any(text in body.decode() for text in NOT_DONE):
            raise Unsent
        return status, body

    def get(self, path):
        return self.judge(*self.ask(self.master, "GET", path))

    def call(self, kind, **parts):
        return self.judge(*self.ask(self.master, "POST", "/api/v1",
                                    json.dumps(dict({"type": kind}, **parts)),
                                    {"Content-Type": "application/json",
                                     "Accept": "application/json"}))

    def perform(self, event, asks):
        """Records the operation; `asks` gives its result, or None if the answer says nothing."""
        event = dict(event, client=self.number, leader=self.master.life, outcome="fail",
                     invoked=self.history.now(), returned=None)
        try:
            result = asks()
            event["outcome"] = "info" if result is None else "ok"
            if result is not None:
                event["result"] = result
        except Unsent:
            if self.rng.random() < 0.5:
                self.master = self.rng.choice(self.group.masters)
        except (OSError, http.client.HTTPException):
            event["outcome"] = "info"
        event["returned"] = self.history.now() if event["outcome"] == "ok" else None
        self.history.add(event)
        return event

    # --- writing ---

    def expect_done(self, status, body):
        """Of a write's answer: 200 is done. What else may come of a fault says nothing."""
        if status == 200:
            return "done"
        assert status >= 500, (status, body)
        return None

    def admit(self):
        """Not too many: what is checked grows with agents times reads of all of them."""
        if self.admits > self.admits_per_s * self.history.now():
            return self.set_weight()
        self.admits += 1
        number = self.unique()

        def asks():
            if self.call("GET_HEALTH")[0] != 200:
                raise Unsent
            try:
                self.agents.register(self.master, [number], timeout=CALL_SECONDS)
            except ConnectionRefusedError:
                raise Unsent
            return self.agents.wait(number, ADMIT_SECONDS)
        return self.perform({"kind": "admit", "key": ("agent", number)}, asks)

    def pick(self):
        number, identity = self.agents.some(self.rng) or (None, None)
        if identity is not None:
            self.history.identify(identity, "host-%d" % number)
        return number, identity

    def gone(self):
        number, identity = self.pick()
        if identity is None:
            return self.set_weight()

        def asks():
            status, body = self.call("MARK_AGENT_GONE",
                                     mark_agent_gone={"agent_id": {"value": identity}})
            if status == 404:
                return "unknown"
            return self.expect_done(status, body)
        return self.perform({"kind": "gone", "key": ("agent", number)}, asks)

    def remove(self):
        """The agent unregisters, which is not answered."""
        number, identity = self.pick()
        if identity is None:
            return self.set_weight()

        def asks():
            self.agents.unregister(self.master, number, identity)
        return self.perform({"kind": "remove", "key": ("agent", number)}, asks)

    def set_weight(self):
        role, value = self.rng.randrange(3), self.unique()

        def asks():
            return self.expect_done(*self.call("UPDATE_WEIGHTS", update_weights={
                "weight_infos": [{"role": "weight-%d" % role, "weight": float(value)}]}))
        return self.perform({"kind": "set", "key": ("weight", role), "value": value}, asks)

    def set_quota(self):
        """Two roles in one call, which are one object: they change together or not at all."""
        pair, value = self.rng.randrange(3), self.unique()

        def config(role):
            return {"role": role, "limits": {"cpus": {"value": value}}}

        def asks():
            return self.expect_done(*self.call("UPDATE_QUOTA", update_quota={"quota_configs": [
                config("quota-%d-%d" % (pair, half)) for half in range(2)]}))
        return self.perform({"kind": "set", "key": ("quota", pair), "value": (value, value)}, asks)

    def unique(self):
        """No value is written twice."""
        self.serial += 1
        return self.number * 100_000 + self.serial

    # --- reading ---

    def read(self, source, asks):
        return self.perform({"kind": "read", "source": source, "key": None}, asks)

    def answer(self, status, body):
        assert status == 200, (status, body)
        return json.loads(body)

    def read_agents(self):
        def asks():
            answer = self.answer(*self.call("GET_AGENTS"))["get_agents"]
            infos = [a["agent_info"] for a in answer.get("agents", [])]
            infos += answer.get("recovered_agents", [])
            return self.admitted(infos)
        return self.read("agents", asks)

    def admitted(self, infos):
        keys = [self.history.identify(i["id"]["value"], i["hostname"]) for i in infos]
        assert len(set(keys)) == len(keys), "an agent was admitted twice: %s" % keys
        return {key: ADMITTED for key in keys}

    def read_weights(self):
        def asks():
            answer = self.answer(*self.call("GET_WEIGHTS"))["get_weights"]
            return weights(answer.get("weight_infos", []))
        return self.read("weights", asks)

    def read_quota(self):
        def asks():
            answer = self.answer(*self.call("GET_QUOTA"))["get_quota"]["status"]
            return quotas(answer.get("configs", []))
        return self.read("quota", asks)

    def read_registry(self):
        """What is stored, as the leader knows it."""
        def asks():
            if self.call("GET_HEALTH")[0] != 200:
                raise Unsent
            registry = self.answer(*self.get("/registrar(1)/registry"))
            if not registry:
                raise Unsent
            stored = {part: registry.get(part, {}).get("slaves", []) for part in ("slaves", "gone")}
            result = self.admitted([a["info"] for a in stored["slaves"]])
            for a in stored["gone"]:
                result[self.history.identify(a["id"]["value"], None)] = GONE
            result.update(weights(w["info"] for w in registry.get("weights", [])))
            result.update(quotas(registry.get("quota_configs", [])))
            return result
        return self.read("registry", asks)

    # --- the thread ---

    def run(self):
        names, weights = zip(*self.operations.items())
        try:
            while not self.stopping.is_set():
                event = getattr(self, self.rng.choices(names, weights)[0])()
                time.sleep(PAUSE_SECONDS if event["outcome"] == "ok" else 2 * PAUSE_SECONDS)
        except BaseException as e:
            self.error = e

    def stop(self):
        self.stopping.set()


def weights(infos):
    return {("weight", int(i["role"].rpartition("-")[2])): int(i["weight"]) for i in infos}


def quotas(configs):
    """Pairs of roles, of which both have what was set last."""
    pairs = {}
    for c in configs:
        _, pair, half = c["role"].split("-")
        limit = c["limits"]["cpus"]["value"]
        pairs.setdefault(("quota", int(pair)), [None, None])[int(half)] = int(limit)
    return {key: tuple(pair) for key, pair in pairs.items()}


class Agents(fake_agents.Agents):
    """Numbered agents, each registering once."""

    def number(self, actor):
        return int(actor[len("slave("):-1])

    def wait(self, number, seconds):
        """The id that it was given, or None."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with self.lock:
                identity = self.registered.get("slave(%d)" % number)
            if identity is not None:
                return identity
            time.sleep(0.005)
        return None

    def some(self, rng):
        """(number, id) of one that was registered; half of the time one of the last ones."""
        with self.lock:
            actors = list(self.registered)
            if not actors:
                return None
            actor = rng.choice(actors[-6:] if rng.random() < 0.5 else actors)
            return self.number(actor), self.registered[actor]

    def unregister(self, master, number, identity):
        connection = http.client.HTTPConnection(master.host, master.port, timeout=CALL_SECONDS)
        try:
            self.post(connection, "slave(%d)" % number, "UnregisterSlaveMessage",
                      fake_agents.field(1, fake_agents.field(1, identity)))
        finally:
            connection.close()
