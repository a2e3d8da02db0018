"""Three masters, each on an island of its own, that are started again whenever they end."""
import http.client
import shutil
import signal
import threading
import time

import islands
import kit
import masters

PORT = 5050
STORE_SECONDS = 3
AGAIN_SECONDS = 0.5  # between two starts of one master
# Ends that a master may have by itself: it was told to, or something was wrong and it said what.
ENDS = (0, 1)


class Group(masters.Group):
    """election: "zookeeper" or "peers". Use it in a `with` block, inside of `apart`."""

    def __init__(self, cluster, history, election="zookeeper", **flags):
        self.history, self.zookeeper = history, None
        self.lock = threading.RLock()
        self.down, self.problems, self.lives, self.ended = set(), [], 0, False
        self.has_log = flags.get("registry") != "in_memory"
        self.islands = islands.Islands(3, cluster.root)
        every = dict({"registry_fetch_timeout": "10secs",
                      "registry_store_timeout": "%dsecs" % STORE_SECONDS,
                      "agent_ping_timeout": "15mins", "quorum": masters.QUORUM}, **flags)
        if election == "zookeeper":
            self.zookeeper = masters.ZooKeeper(cluster.root / "zookeeper", islands.ZOOKEEPER)
            every.update(zk=self.zookeeper.url, zk_session_timeout="700ms")
        else:
            every.update(peers_lease="700ms", peers=",".join(
                "%s:%d" % (i.ip, PORT) for i in self.islands.all))
        self.masters = [self.settle(cluster, island, every) for island in self.islands.all]
        self.supervisor = threading.Thread(target=self.supervise, daemon=True)
        self.supervisor.start()

    def settle(self, cluster, island, flags):
        m = kit.Daemon("tepui-master", PORT, cluster.root / island.name,
                       dict(flags, ip=island.ip, hostname=island.ip, port=PORT,
                            work_dir=island.disk / "work"), island.ip, island.within)
        m.island = island
        cluster.daemons.append(m)
        self.spawn(m)
        return m

    def spawn(self, master):
        """`life` names this process among all of that master."""
        self.lives += 1
        master.life = "%s#%d" % (master.island.name, self.lives)
        self.history.start(master.life)
        master.spawn()
        master.spawned = time.monotonic()

    def supervise(self):
        while not self.ended:
            with self.lock:
                for m in self.masters:
                    status = m.process.poll()
                    early = time.monotonic() < m.spawned + AGAIN_SECONDS
                    if status is None or m in self.down or early:
                        continue
                    if status not in ENDS:
                        self.problems.append("%s ended with %d" % (m.life, status))
                    self.spawn(m)
            time.sleep(0.05)

    # --- what may happen to a master ---

    def crash(self, master):
        """kill -9; it is not started before `revive`."""
        with self.lock:
            self.down.add(master)
            if master.process.poll() is None:
                master.kill()

    def revive(self, master):
        with self.lock:
            if master in self.down:
                self.down.discard(master)
                self.spawn(master)

    def stop(self, master):
        with self.lock:
            if master.process.poll() is None:
                master.process.send_signal(signal.SIGSTOP)

    def go_on(self, master):
        with self.lock:
            if master.process.poll() is None:
                master.process.send_signal(signal.SIGCONT)

    # --- all of them ---

    def try_leader(self):
        """Who leads and has recovered, or None; asks each but for a moment."""
        for m in self.masters:
            try:
                status, _ = m.request("POST", "/api/v1", '{"type":"GET_HEALTH"}',
                                      {"Content-Type": "application/json"}, timeout=0.3)[:2]
                if status == 200:
                    return m
            except (OSError, http.client.HTTPException):
                pass
        return None

    def leader(self):
        return kit.until(self.try_leader, what="a leader")

    def heal(self):
        """Nothing is cut, full, stopped or down any more; returns the leader once all vote."""
        self.islands.heal()
        for m in self.masters:
            m.island.empty_disk()
            self.go_on(m)
            self.revive(m)
        if self.has_log:
            kit.until(lambda: all(masters.votes(m) for m in self.masters),
                      what="replicas that vote")
        return self.leader()

    def __exit__(self, *exc):
        self.ended = True
        self.supervisor.join()
        for m in self.masters:
            if m.process.poll() is None:
                m.kill()
            if exc[0] is not None:
                m.island.empty_disk()
                shutil.copytree(m.island.disk, m.folder / "disk")
        if self.zookeeper is not None:
            self.zookeeper.close()
        self.islands.close()
