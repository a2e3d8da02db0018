"""Networks of their own for a few hosts, and disks of their own, which can be cut and filled.

All of it is made inside the namespaces of `apart`, so nothing of the machine is touched. The tests'
own process sits on the bridge and reaches every island, whatever is cut between them.
"""
import errno
import os
import pathlib
import subprocess

HOST = "10.99.0.1"        # where the clients are
ZOOKEEPER = "10.99.0.2"   # an address of the same namespace, that an island may be cut from
DISK_MIB = 24


def run(*command):
    subprocess.run([str(c) for c in command], check=True, stdin=subprocess.DEVNULL)


class Island:
    def __init__(self, number, folder):
        self.name, self.ip = "m%d" % number, "10.99.0.%d" % (10 + number)
        self.within = ("nsenter", "--net=/run/netns/" + self.name)
        self.disk = folder
        self.refused = set()
        run("ip", "netns", "add", self.name)
        run("ip", "link", "add", "v" + self.name, "type", "veth", "peer", "name", "eth0", "netns",
            self.name)
        run("ip", "link", "set", "v" + self.name, "master", "bridge0", "up")
        run("ip", "-n", self.name, "link", "set", "lo", "up")
        run("ip", "-n", self.name, "address", "add", self.ip + "/24", "dev", "eth0")
        run("ip", "-n", self.name, "link", "set", "eth0", "up")
        run(*self.within, "nft", "add table inet tepui;"
            "add set inet tepui refused { type ipv4_addr; };"
            "add chain inet tepui in { type filter hook input priority 0; };"
            "add rule inet tepui in ip saddr @refused drop")
        folder.mkdir(parents=True)
        run("mount", "-t", "tmpfs", "-o", "size=%dm" % DISK_MIB, "tmpfs", folder)

    def refuse(self, addresses):
        """Nothing that these addresses send arrives any more, and everything of the others."""
        addresses = set(addresses)
        rules = ["flush set inet tepui refused"]
        if addresses:
            rules.append("add element inet tepui refused { %s }" % ", ".join(sorted(addresses)))
        if addresses != self.refused:
            run(*self.within, "nft", "; ".join(rules))
            self.refused = addresses

    def fill_disk(self):
        """To the last block."""
        with open(self.disk / "filler", "wb") as f:
            for size in (1 << 20, 1 << 12):
                try:
                    while True:
                        os.posix_fallocate(f.fileno(), os.fstat(f.fileno()).st_size, size)
                except OSError as e:
                    if e.errno != errno.ENOSPC:
                        raise

    def empty_disk(self):
        (self.disk / "filler").unlink(missing_ok=True)


class Islands:
    """`count` of them, as a list, with a bridge that joins them; the process must be in `apart`."""

    def __init__(self, count, folder):
        run("mount", "-t", "tmpfs", "none", "/run")
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "add", "name", "bridge0", "type", "bridge")
        run("ip", "link", "set", "bridge0", "up")
        for ip in (HOST, ZOOKEEPER):
            run("ip", "address", "add", ip + "/24", "dev", "bridge0")
        self.all = [Island(n, pathlib.Path(folder) / ("disk-%d" % n)) for n in range(count)]

    def cut(self, *pairs):
        """(a, b): what a sends does not reach b any more, an island; as addresses."""
        for island in self.all:
            island.refuse(island.refused.union(a for a, b in pairs if b == island.ip))

    def heal(self):
        for island in self.all:
            island.refuse(())

    def close(self):
        """Another may be made then."""
        for island in self.all:
            run("umount", "-l", island.disk)
            run("ip", "link", "del", "v" + island.name)
            run("ip", "netns", "del", island.name)
        run("ip", "link", "del", "bridge0")
