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
        kit.until(self.serves, 60, "a ZooKeeper that serves")

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
    """Use it in a `with` block."""

    def __init__(self, cluster, **flags):
        self.zookeeper = ZooKeeper(cluster.root / "zookeeper")
        every = dict({"zk": self.zookeeper.url, "quorum": QUORUM, "zk_session_timeout": "1secs",
                      "registry_fetch_timeout": "20secs", "registry_store_timeout": "3secs"},
                     **flags)
        self.masters = [cluster.add("tepui-master", "master-%d" % i, every) for i in range(3)]

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        for m in self.masters:
            if m.process.poll() is None:
                m.kill()
        self.zookeeper.close()

    def alive(self):
        return [m for m in self.masters if m.process.poll() is None]

    def leader(self):
        def find():
            for m in self.alive():
                if serves(m):
                    return m
            return None
        return kit.until(find, 60, "a leader")

    def followers(self):
        leader = self.leader()
        return [m for m in self.alive() if m is not leader]

    def heal(self):
        """All of them are up, and vote; the leader."""
        for m in self.masters:
            if m.process.poll() is not None:
                m.start()
        kit.until(lambda: all(votes(m) for m in self.masters), 60, "replicas that vote")
        return self.leader()

    @staticmethod
    def wipe(master):
        """It ends, and loses its disk."""
        if master.process.poll() is None:
            master.kill()
        shutil.rmtree(master.flags["work_dir"])
