#!/usr/bin/python3
"""bench_failover.py [ROUNDS [AGENTS]]: how long a cluster is without a master that makes offers.

1. Three masters with a real ZooKeeper and the registry in their replicated log, 100 agents and a
   framework. The leader is killed (kill -9), ROUNDS times (5). Times run from the moment when a
   client that watches sees that ZooKeeper removed the dead leader's node: its session has expired,
   and nobody can know better. Then: until the next leader serves, until it makes its first offer,
   until all agents are back. Agents come back as the real ones do, after a random part of
   --registration_backoff_factor (1 s), then again while they have no answer; the framework at once.
2. AGENTS (20,000) agents with five tasks of five frameworks each come to one master that does not
   know them (each is a change of the registry) and, after a crash, to one whose registry does."""
import heapq
import http.client
import json
import random
import socket
import statistics
import struct
import threading
import time

from outside import cpu_s, figure, kit, numbers, spread, waited_s
from fleet import Fleet
import fake_agents
import masters

ROUNDS, AGENTS = numbers(5, 20000)
OFFER_GOAL_S, FLEET_GOAL_S = 1.0, 1.5
FEW, BACKOFF_S = 100, 1.0
RETRY_S = 0.005  # between two questions of ours


class Watcher:
    """A client of ZooKeeper that knows two requests: the least that sees a node vanish."""

    def __init__(self, zookeeper):
        self.link = socket.create_connection((zookeeper.host, zookeeper.port))
        self.stream = self.link.makefile("rb")
        self.send(struct.pack(">iqiqi16s?", 0, 0, 60000, 0, 16, b"", False))
        self.receive()

    def send(self, body):
        self.link.sendall(struct.pack(">i", len(body)) + body)

    def receive(self):
        return self.stream.read(struct.unpack(">i", self.stream.read(4))[0])

    def ask(self, kind, path, watch):
        """The answer's body; what a watch says meanwhile is passed over."""
        name = path.encode()
        self.send(struct.pack(">iii%ds?" % len(name), 1, kind, len(name), name, watch))
        while True:
            answer = self.receive()
            xid, _, error = struct.unpack_from(">iqi", answer)
            if xid == 1:
                return answer[16:] if error == 0 else None

    def children(self, path):
        """Their names, with a watch on the list."""
        body, names = self.ask(8, path, True), []
        count, at = struct.unpack_from(">i", body)[0], 4
        for _ in range(count):
            size = struct.unpack_from(">i", body, at)[0]
            names.append(body[at + 4:at + 4 + size].decode())
            at += 4 + size
        return names

    def data(self, path):
        body = self.ask(4, path, False)
        return body[4:4 + struct.unpack_from(">i", body)[0]]

    def changed(self):
        """Waits for the watch."""
        while struct.unpack_from(">i", self.receive())[0] != -1:
            pass

    # --- who leads ---

    def contenders(self):
        """The masters' nodes, the leader's first."""
        return sorted(n for n in self.children("/tepui") if n.startswith("json.info_"))

    def port(self, node):
        return json.loads(self.data("/tepui/" + node))["port"]


class Agents(fake_agents.Agents):
    """They come back to whoever they are told of."""

    def __init__(self):
        super().__init__()
        self.back = {}  # by actor: when the present master said so

    def take(self, actor, name, body):
        super().take(actor, name, body)
        if name == "mesos.internal.SlaveReregisteredMessage":
            self.back.setdefault(actor, time.monotonic())

    def come_back(self, master, rng):
        """Blocks until all are; when the last was."""
        self.back.clear()
        now = time.monotonic()
        due = [(now + rng.uniform(0, BACKOFF_S), actor, BACKOFF_S) for actor in self.registered]
        heapq.heapify(due)
        connection = http.client.HTTPConnection(master.host, master.port, timeout=20)
        while due:
            at, actor, backoff = heapq.heappop(due)
            time.sleep(max(0, at - time.monotonic()))
            if actor not in self.back:
                self.reregister(connection, int(actor[6:-1]), self.registered[actor])
                heapq.heappush(due, (time.monotonic() + rng.uniform(0, backoff), actor,
                                     2 * backoff))
        connection.close()
        return max(self.back.values())


def serving(master):
    while True:
        try:
            if masters.serves(master):
                return time.monotonic()
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(RETRY_S)


def first_offer(master, framework_id):
    """Subscribes as soon as it may; (when it was made an offer, the scheduler)"""
    while True:
        try:
            scheduler = kit.Scheduler(master, framework_id, failover_timeout=3600.0)
            scheduler.event("OFFERS")
            return time.monotonic(), scheduler
        except (AssertionError, OSError, http.client.HTTPException):
            time.sleep(RETRY_S)


class Meanwhile(threading.Thread):
    """Does it beside others; join() gives what it returned."""

    def __init__(self, action, *args):
        super().__init__(daemon=True)
        self.action, self.args = action, args
        self.start()

    def run(self):
        self.result = self.action(*self.args)

    def join(self):
        super().join()
        return self.result


class Failovers:
    def __init__(self, group):
        self.group, self.rng = group, random.Random(1)
        self.watcher = Watcher(group.zookeeper)
        self.agents = Agents()
        leader = group.leader()
        self.agents.register(leader, range(FEW))
        kit.until(lambda: len(self.agents.confirmed()) == FEW, 60, "the agents registered")
        _, self.scheduler = first_offer(leader, None)

    def once(self):
        """Seconds from the node's end: back to the crash, to serving, the offer, the last agent."""
        watcher, contenders = self.watcher, self.watcher.contenders()
        by_port = {m.port: m for m in self.group.masters}
        dead = by_port[watcher.port(contenders[0])]
        crashed = time.monotonic()
        dead.kill()
        while contenders[0] in watcher.contenders():
            watcher.changed()
        gone = time.monotonic()
        leader = by_port[watcher.port(watcher.contenders()[0])]
        offer = Meanwhile(first_offer, leader, self.scheduler.framework_id)
        back = Meanwhile(self.agents.come_back, leader, self.rng)
        served = serving(leader)
        self.scheduler.close()
        offered, self.scheduler = offer.join()
        took = [t - gone for t in (crashed, served, offered, back.join())]
        dead.start()
        kit.until(lambda: masters.votes(dead), 60, "a replica that votes")
        return took




def few_agents():
    print("three masters, ZooKeeper, %d agents; %d crashes of the leader" % (FEW, ROUNDS))
    with kit.Cluster() as cluster, masters.Group(cluster) as group:
        failovers = Failovers(group)
        group.heal()
        times = [failovers.once() for _ in range(ROUNDS)]
        crashed, served, offered, back = zip(*times)
        figure("crash to the end of its session", spread([-t for t in crashed]))
        figure("then until the next leader serves", spread(served))
        figure("then until its first offer", "%s; goal %.1f s, the median is %.2f of it" % (
            spread(offered), OFFER_GOAL_S, statistics.median(offered) / OFFER_GOAL_S))
        figure("then until all agents are back", spread(back))


def measure(fleet, master, name):
    pid = master.process.pid
    cpu, waited = cpu_s(pid), waited_s(pid)
    took, size = fleet.register(master)
    figure(name, "%.2f s; goal %.1f s, %.2f of it" % (took, FLEET_GOAL_S, took / FLEET_GOAL_S))
    figure("  of it", "%.2f s of CPU, %.2f s waiting for one; %.0f MB sent" % (
        cpu_s(pid) - cpu, waited_s(pid) - waited, size / 1e6))


def many_agents(registry):
    print("\n%d agents with 5 tasks each, registry %s" % (AGENTS, registry))
    with kit.Cluster() as cluster:
        fleet = Fleet(AGENTS, 5, 1)
        master = cluster.master(registry=registry, agent_ping_timeout="15mins",
                                allocation_interval="1secs", logging_level="WARNING")
        serving(master)
        measure(fleet, master, "to a master that does not know them")
        if registry == "replicated_log":
            master.kill()
            start = time.monotonic()
            master.start()
            figure("crash; serving again after", "%.0f ms" % ((serving(master) - start) * 1e3))
            measure(fleet, master, "to one whose registry does")


def main():
    kit.TICK_S = 0.001
    if masters.JARS.joinpath("zookeeper.jar").exists():
        few_agents()
    else:
        print("no ZooKeeper, no failovers: tools/dev deps bench")
    many_agents("in_memory")
    many_agents("replicated_log")


main()
