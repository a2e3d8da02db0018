"""Three masters that elect their leader among themselves (--peers), two agents that look for it
(--master=peers://), and a framework with running tasks: leaders crash, stand still, come back."""
import os
import shutil
import signal
import socket
import subprocess

import pytest

import fake_agents
import kit
import masters

COUNT = 3


class Peers:
    """A supervisor is played as well: who ends by itself is started again. That is how a master
    goes on that has led, and does so no longer."""

    def __init__(self, cluster, ports=None, names=None):
        ports = ports or [kit.free_port() for _ in range(COUNT)]
        self.list = names or ",".join("127.0.0.1:%d" % p for p in ports)
        self.url = "peers://" + self.list
        flags = {"peers": self.list, "peers_lease": "2secs", "allocation_interval": "100ms",
                 "registry_fetch_timeout": "60secs", "registry_store_timeout": "5secs"}
        self.masters = [cluster.add("tepui-master", "master-%d" % i, flags, port)
                        for i, port in enumerate(ports)]
        self.down = set()  # who was killed, and is to stay so
        # While fewer than a majority vote, no other can be done without.
        self.wait_for_votes()

    def wait_for_votes(self):
        kit.until(lambda: self.leader() and all(masters.votes(m) for m in self.masters
                                                if m not in self.down), what="replicas that vote")

    def kill(self, master):
        self.down.add(master)
        master.kill(signal.SIGKILL)

    def start(self, master):
        self.down.discard(master)
        master.start()

    def heal(self, master):
        """It is up, votes in the log, and disturbs nobody that has not lost the lead by itself."""
        self.start(master)
        self.wait_for_votes()
        assert not masters.serves(master) or any("Lost leadership" in log_of(m)
                                                 for m in self.others(master))

    def leader(self, among=None):
        def find():
            for m in among or self.masters:
                if m not in self.down and m.process.poll() is not None:
                    m.start()
                if m not in self.down and masters.serves(m):
                    return m
            return None
        return kit.until(find, what="a leader")

    def others(self, master):
        return [m for m in self.masters if m is not master]


class Work:
    """A framework with one task on each of two agents; the tasks only wait."""

    def __init__(self, cluster, peers):
        leader = peers.leader()
        self.agents = [cluster.agent(leader, "agent-%d" % i, find=peers.url) for i in range(2)]
        self.scheduler = kit.Scheduler(leader)
        self.pids = {}
        while len(self.pids) < len(self.agents):
            for offer in self.scheduler.event("OFFERS")["offers"]["offers"]:
                agent = offer["agent_id"]["value"]
                if agent not in self.pids:
                    self.pids[agent] = None
                    self.scheduler.launch(offer, {"on-" + agent: "echo $$ > pid; exec sleep 1000"})
        running = set()
        while len(running) < len(self.agents):
            status = self.scheduler.event("UPDATE")["update"]["status"]
            self.scheduler.acknowledge(status)
            assert status["state"] in ("TASK_STARTING", "TASK_RUNNING"), status
            if status["state"] == "TASK_RUNNING":
                running.add(status["task_id"]["value"])
        for agent in self.pids:
            self.pids[agent] = kit.until(lambda a=agent: self.read_pid(cluster, a), what="a pid")

    @staticmethod
    def read_pid(cluster, agent):
        found = list(cluster.root.glob("agent-*/work/slaves/%s/**/runs/latest/pid" % agent))
        return found and int(found[0].read_text())

    def has_everything(self, leader):
        """The agents are active, and their tasks run, as that master sees it."""
        state = leader.state()
        active = {s["id"] for s in state["slaves"] if s["active"]}
        tasks = {t["id"] for f in state["frameworks"] for t in f["tasks"]
                 if t["state"] == "TASK_RUNNING"}
        return active == set(self.pids) and tasks == {"on-" + a for a in self.pids}

    def goes_on_with(self, peers, among=None):
        """All that there was is there, for the leader that is left in the end; returns it."""
        return kit.until(lambda: self.look_around(peers.leader(among)),
                         what="a leader that has all")

    def look_around(self, leader):
        """The leader, or None if it does not have everything yet. Raises what `kit.until` tries
        again if it leads no longer, and fails if something is wrong."""
        if not self.has_everything(leader):
            return None
        for pid in self.pids.values():
            os.kill(pid, 0)
        known = {s["info"]["id"]["value"]
                 for s in fake_agents.registry(leader)["slaves"]["slaves"]}
        assert known == set(self.pids)
        self.scheduler.close()
        self.scheduler = kit.Scheduler(leader, self.scheduler.framework_id)
        # And the agents say the same.
        self.scheduler.call("RECONCILE", reconcile={"tasks": []})
        seen = set()
        while seen != {"on-" + a for a in self.pids}:
            status = self.scheduler.event("UPDATE")["update"]["status"]
            assert status["state"] == "TASK_RUNNING", status
            seen.add(status["task_id"]["value"])
        return leader


@pytest.fixture
def cluster():
    with kit.Cluster() as c:
        yield c


def log_of(daemon):
    return (daemon.folder / "log").read_text()


def test_a_killed_leader_is_replaced_and_comes_back(cluster):
    peers = Peers(cluster)
    work = Work(cluster, peers)
    for _ in range(COUNT):
        leader = peers.leader()
        peers.kill(leader)
        work.goes_on_with(peers)
        peers.heal(leader)


def test_a_leader_that_stands_still_is_replaced_and_writes_nothing_more(cluster):
    peers = Peers(cluster)
    work = Work(cluster, peers)
    old = peers.leader()
    agents = fake_agents.Agents()
    old.process.send_signal(signal.SIGSTOP)
    try:
        work.goes_on_with(peers, peers.others(old))
        # It finds this when it wakes, along with the news that it leads no longer.
        late = post_unread(agents, old)
    finally:
        old.process.send_signal(signal.SIGCONT)
    assert old.process.wait(kit.WAIT_SECONDS) == 1
    late.close()
    assert "Lost leadership" in log_of(old)
    new = work.goes_on_with(peers, peers.others(old))
    assert agents.confirmed() == set()
    agents.close()
    peers.heal(old)
    peers.kill(new)
    work.goes_on_with(peers)


def post_unread(agents, master):
    """A registration that waits in the socket of a master that stands still."""
    cpus = (fake_agents.field(1, "cpus") + fake_agents.field(2, 0) +
            fake_agents.field(3, b"\x09" + b"\0\0\0\0\0\0\0\x40"))
    info = fake_agents.field(1, "late") + fake_agents.field(3, cpus) + fake_agents.field(8, 5051)
    body = fake_agents.field(1, info) + fake_agents.field(2, "1.12.0")
    s = socket.create_connection(("127.0.0.1", master.port), kit.WAIT_SECONDS)
    s.sendall(b"POST /master/mesos.internal.RegisterSlaveMessage HTTP/1.1\r\n"
              b"User-Agent: libprocess/slave(9)@%s\r\nConnection: Keep-Alive\r\n"
              b"Content-Length: %d\r\n\r\n%s" % (agents.address.encode(), len(body), body))
    return s


def test_all_masters_crash_and_come_back(cluster):
    peers = Peers(cluster)
    work = Work(cluster, peers)
    for m in peers.masters:
        peers.kill(m)
    for m in peers.masters:
        peers.start(m)
    work.goes_on_with(peers)


def test_an_agent_that_starts_first_waits_for_its_masters(cluster):
    ports = [kit.free_port() for _ in range(COUNT)]
    names = ",".join("localhost:%d" % p for p in ports)
    agent = cluster.add("tepui-agent", "agent", {
        "master": "peers://%s/" % names, "launcher": "posix",
        "isolation": "posix/cpu,posix/mem", "systemd_enable_support": "false",
        "runtime_dir": cluster.root / "run", "registration_backoff_factor": "20ms"})
    kit.until(lambda: log_of(agent).count("does not tell who leads") == COUNT,
              what="a complaint")
    peers = Peers(cluster, ports, names)
    kit.until(lambda: peers.leader().state()["activated_slaves"] == 1,
              what="a registered agent")


# What docs/operator/without-zookeeper.md says can be done.

class Registered:
    """Agents that only register: what the registry must hold ever after."""

    def __init__(self):
        self.agents = fake_agents.Agents()
        self.count = 0

    def add(self, peers):
        self.count += 1
        fake_agents.admit(self.agents, peers.leader, self.count)

    def are_known_to(self, peers):
        """To whoever leads."""
        slaves = kit.until(lambda: fake_agents.registry(peers.leader()), what="a registry")
        known = {s["info"]["id"]["value"] for s in slaves.get("slaves", {}).get("slaves", [])}
        assert self.agents.confirmed() <= known
        assert len(self.agents.confirmed()) == self.count


@pytest.fixture
def registered():
    registered = Registered()
    yield registered
    registered.agents.close()


def again(group, master, **flags):
    """The master is stopped, and started with other flags."""
    group.kill(master)
    master.flags.update(flags)
    group.start(master)
    group.wait_for_votes()


def test_a_master_that_lost_its_disk_takes_the_log_from_the_others(cluster, registered):
    peers = Peers(cluster)
    registered.add(peers)
    for m in list(peers.masters):
        peers.kill(m)
        shutil.rmtree(m.flags["work_dir"])
        registered.add(peers)
        again(peers, m)
    registered.are_known_to(peers)


def test_a_master_moves_to_another_address(cluster, registered):
    peers = Peers(cluster)
    registered.add(peers)
    gone = peers.leader()
    peers.kill(gone)
    port = kit.free_port()
    names = peers.list.replace(str(gone.port), str(port))
    for m in peers.others(gone):
        again(peers, m, peers=names)
    new = cluster.add("tepui-master", "master-3", dict(gone.flags, peers=names, port=port,
                                                       work_dir=cluster.root / "new"), port)
    peers.masters = peers.others(gone) + [new]
    peers.wait_for_votes()
    registered.add(peers)
    for m in peers.others(new):
        registered.are_known_to(peers)
        again(peers, m)
    registered.are_known_to(peers)


def test_three_become_five(cluster, registered):
    peers = Peers(cluster)
    registered.add(peers)
    ports = [kit.free_port() for _ in range(2)]
    names = peers.list + "".join(",127.0.0.1:%d" % p for p in ports)
    for m in peers.masters:
        again(peers, m, quorum=3)
    for m in peers.masters:
        again(peers, m, peers=names)
    flags = {k: v for k, v in peers.masters[0].flags.items() if k not in ("port", "work_dir")}
    for i, port in enumerate(ports):
        peers.masters.append(cluster.add("tepui-master", "master-%d" % (COUNT + i), flags, port))
    peers.wait_for_votes()
    for _ in range(2):
        registered.are_known_to(peers)
        peers.kill(peers.leader())
    registered.add(peers)
    registered.are_known_to(peers)


def execute(*flags):
    return subprocess.run([kit.BIN / "tepui-execute", *flags], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=120)


def test_the_command_line_follows_the_leader(cluster):
    peers = Peers(cluster)
    leader = peers.leader()
    cluster.agent(leader, find=peers.url)
    done = execute("--master=" + peers.url, "--name=a", "--command=true")
    assert done.returncode == 0 and "TASK_FINISHED" in done.stdout, done
    task = subprocess.Popen(
        [kit.BIN / "tepui-execute", "--master=" + peers.url, "--name=b",
         "--command=while [ ! -e %s ]; do sleep 0.1; done" % (cluster.root / "go"),
         "--checkpoint"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    for line in task.stdout:
        if "TASK_RUNNING" in line:
            break
    peers.kill(leader)
    kit.until(lambda: peers.leader().state()["activated_slaves"] == 1,
              what="the agent at the next leader")
    (cluster.root / "go").touch()
    rest, _ = task.communicate(timeout=kit.WAIT_SECONDS)
    assert task.returncode == 0 and "TASK_FINISHED" in rest, rest


def test_kinds_that_do_not_go_together_are_refused(cluster):
    def says(program, *flags):
        done = subprocess.run([kit.BIN / program, "--ip=127.0.0.1", "--port=0",
                               "--work_dir=%s" % (cluster.root / "w"), *flags],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
        assert done.returncode == 1, done
        return done.stderr
    assert "mixes ways" in says("tepui-agent", "--master=peers://a:1,zk://b:2/mesos")
    assert "a path or a password" in says("tepui-agent", "--master=peers://a:1/mesos")
    assert "a list without a scheme" in says("tepui-agent", "--master=a:1,b:2,c:3")
    assert "has a scheme" in says("tepui-master", "--peers=zk://a:1/mesos")
    assert "--peers goes with the replicated log, and without --zk" in says(
        "tepui-master", "--peers=a:1,b:1,c:1", "--zk=zk://a:1/mesos", "--quorum=2")
    task = ["--name=n", "--command=true"]
    assert "mixes ways" in execute("--master=peers://a:1,zk://b:2/mesos", *task).stderr
    assert "a list without a scheme" in execute("--master=a:1,b:2,c:3", *task).stderr
    # Masters that do not elect by --peers say so, and the agent goes on asking.
    master = cluster.master()
    agent = cluster.add("tepui-agent", "agent", {
        "master": "peers://127.0.0.1:%d" % master.port, "launcher": "posix",
        "isolation": "posix/cpu,posix/mem", "systemd_enable_support": "false",
        "runtime_dir": cluster.root / "run"})
    kit.until(lambda: "it does not elect by --peers" in log_of(agent),
              what="a complaint")
