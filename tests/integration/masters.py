"""A ZooKeeper (Debian's package zookeeper), and three masters that share a registry through it."""
import json
import pathlib
import shutil
import socket
import subprocess

import pytest

import kit

JARS = pathlib.Path("/usr/share/java")
QUORUM = 2


class ZooKeeper:
    def __init__(self, folder, host="127.0.0.1"):
        if not (JARS / "zookeeper.jar").exists() or shutil.which("java") is None:
            pytest.skip("needs ZooKeeper: tools/dev deps zookeeper")
        self.host, self.port = host, kit.free_port()
        self.url = "zk://%s:%d/tepui" % (self.host, self.port)
        (folder / "data").mkdir(parents=True)
        config = folder / "zoo.cfg"
        config.write_text("tickTime=250\nminSessionTimeout=250\ndataDir=%s\nclientPort=%d\n"
                          "clientPortAddress=%s\nmaxClientCnxns=0\nforceSync=no\n"
                          "admin.enableServer=false\n4lw.commands.whitelist=srvr\n"
                          % (folder / "data", self.port, self.host))
        with open(folder / "log", "wb") as log:
            self.process = subprocess.Popen(
                ["java", "-Xmx96m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp",
                 "%s:%s" % (JARS / "zookeeper.jar", JARS / "slf4j-simple.jar"),
                 "org.apache.zookeeper.server.quorum.QuorumPeerMain", config],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder)
        kit.until(self.serves, what="a ZooKeeper that serves")

    def serves(self):
        with socket.create_connection((self.host, self.port), 5) as s:
            s.sendall(b"srvr")
            return b"Mode:" in s.recv(65536)

    def close(self):
        self.process.kill()
        self.process.wait()


def serves(master):
    """Leads, and has recovered."""
    return master.request("POST", "/api/v1", '{"type":"GET_HEALTH"}',
                          {"Content-Type": "application/json"})[0] == 200


def votes(master):
    return json.loads(master.get("/metrics/snapshot"))["registrar/log/recovered"] == 1


class Group:
    """Use it in a `with` block. A supervisor is played as well: who ends by itself is started
    again, as a leader does that ZooKeeper has not heard of for too long."""

    def __init__(self, cluster, **flags):
        self.zookeeper = ZooKeeper(cluster.root / "zookeeper")
        every = dict({"zk": self.zookeeper.url, "quorum": QUORUM, "zk_session_timeout": "2secs",
                      "registry_fetch_timeout": "60secs", "registry_store_timeout": "3secs"},
                     **flags)
        self.down = set()  # who was killed, and is to stay so
        self.masters = [cluster.add("tepui-master", "master-%d" % i, every) for i in range(3)]

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        for m in self.masters:
            if m.process.poll() is None:
                m.kill()
        self.zookeeper.close()

    def kill(self, master):
        self.down.add(master)
        master.kill()

    def start(self, master):
        self.down.discard(master)
        master.start()

    def up(self):
        """Those that were not killed, all of them running."""
        up = [m for m in self.masters if m not in self.down]
        for m in up:
            if m.process.poll() is not None:
                m.start()
        return up

    def leader(self):
        return kit.until(lambda: next((m for m in self.up() if serves(m)), None), what="a leader")

    def followers(self):
        leader = self.leader()
        return [m for m in self.up() if m is not leader]

    def wait_for_vote(self, *wanted):
        kit.until(lambda: self.up() and all(votes(m) for m in wanted), what="replicas that vote")

    def heal(self):
        """All of them are up, and vote; the leader."""
        for m in list(self.down):
            self.start(m)
        self.wait_for_vote(*self.masters)
        return self.leader()

    def wipe(self, master):
        """It ends, and loses its disk."""
        self.kill(master)
        shutil.rmtree(master.flags["work_dir"])
