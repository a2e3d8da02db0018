#!/usr/bin/python3
"""bench_launch.py [TASKS [SINGLES]]: a master and an agent from their start to many tasks and back.

For each launcher, without checkpoints and with them: how long the daemons take to serve, their
memory, how long one task takes from ACCEPT to TASK_RUNNING (SINGLES of them, 20, one after the
other), how long TASKS tasks (500) take together, how long until all are killed, and the agent's
memory with them. Then, under strace, how often the agent syncs for a task."""
import os
import pathlib
import re
import shutil
import subprocess
import time

from outside import LINUX, cpu_s, figure, kit, memory_mib, numbers, spread, timed, written_bytes

TASKS, SINGLES = numbers(500, 20)
SYNCS = "fsync,fdatasync,syncfs,sync,sync_file_range"


class Launcher:
    """A scheduler that launches one burst after the other, and acknowledges what it is told."""

    def __init__(self, master, checkpoint):
        self.scheduler = kit.Scheduler(master, checkpoint=checkpoint)
        self.offers = []
        self.serial = 0

    def event(self):
        """The next status, or None: something else, of which offers are kept."""
        event = self.scheduler.event("UPDATE", "OFFERS")
        if event["type"] == "OFFERS":
            self.offers += event["offers"]["offers"]
            return None
        self.scheduler.acknowledge(event["update"]["status"])
        return event["update"]["status"]

    def updates(self, wanted, count):
        """Takes updates until `count` tasks have come to the state."""
        while count > 0:
            status = self.event()
            if status is None:
                continue
            if status["state"] == wanted:
                count -= 1
            elif status["state"] not in ("TASK_STARTING", "TASK_RUNNING", "TASK_KILLING"):
                raise SystemExit("a task is not as it should be: %s" % status)

    def up(self, count):
        """Launches so many tasks on one offer: their ids, and the time until all run."""
        while not self.offers:
            self.event()
        offer = self.offers.pop()
        ids = ["task-%d" % (self.serial + n) for n in range(count)]
        self.serial += count
        commands = {i: "exec sleep 1000" for i in ids}

        def run():
            self.scheduler.launch(offer, commands, cpus=0.01, mem=8)
            self.updates("TASK_RUNNING", count)
        return ids, timed(run)[0]

    def down(self, ids):
        """Kills them: the time until all are."""
        def run():
            for i in ids:
                self.scheduler.call("KILL", kill={"task_id": {"value": i}})
            self.updates("TASK_KILLED", len(ids))
        return timed(run)[0]


def started(cluster, **flags):
    """A master and an agent, and how long each took until it could be worked with."""
    master_s, master = timed(cluster.master)
    agent_s, agent = timed(lambda: cluster.agent(
        master, resources="cpus:64;mem:65536;disk:65536",
        executor_registration_timeout="5mins", **flags))
    return master, master_s, agent, agent_s


def measure(title, flags, checkpoint):
    print("\n%s" % title, flush=True)
    with kit.Cluster() as cluster:
        master, master_s, agent, agent_s = started(cluster, **flags)
        figure("master serving; agent registered", "%.0f; %.0f ms" % (master_s * 1e3,
                                                                     agent_s * 1e3))
        time.sleep(1)
        figure("idle memory, master; agent", "%.1f; %.1f MiB" % (
            memory_mib(master.process)[0], memory_mib(agent.process)[0]))
        launcher = Launcher(master, checkpoint)
        figure("one task, ACCEPT to TASK_RUNNING",
               spread([launcher.up(1)[1] for _ in range(SINGLES)]))
        cpu, written = cpu_s(agent.process.pid), written_bytes(agent.process)
        ids, took = launcher.up(TASKS)
        figure("%d tasks to TASK_RUNNING" % TASKS, "%.2f s (%.0f a second)" % (took, TASKS / took))
        figure("the agent's part of it, a task", "%.0f us of CPU, %.1f KiB written" % (
            (cpu_s(agent.process.pid) - cpu) / TASKS * 1e6,
            (written_bytes(agent.process) - written) / TASKS / 1024))
        figure("memory of the agent with them", "%.1f MiB" % memory_mib(agent.process)[0])
        took = launcher.down(ids)
        figure("%d tasks killed" % TASKS, "%.2f s (%.0f a second)" % (took, TASKS / took))
        figure("memory after, master; agent", "%.1f; %.1f MiB" % (
            memory_mib(master.process)[0], memory_mib(agent.process)[0]))


def syncs_of(agent, folder, action):
    """(system calls of the agent that sync, what the action returned)"""
    log = pathlib.Path(folder) / "syncs"
    tracer = subprocess.Popen(["strace", "-f", "-q", "-e", "trace=" + SYNCS, "-o", log, "-p",
                               str(agent.process.pid)], stderr=subprocess.DEVNULL)
    status = pathlib.Path("/proc/%d/status" % agent.process.pid)
    kit.until(lambda: "TracerPid:\t0" not in status.read_text(), 10, "strace")
    time.sleep(0.5)  # the threads are taken one by one
    result = action()
    tracer.terminate()
    tracer.wait()
    return len(re.findall(r"sync\w*\(", log.read_text())), result


def count_syncs():
    if shutil.which("strace") is None:
        print("\nno strace: syncs are not counted")
        return
    print("\nsyncs with checkpoints (posix launcher)", flush=True)
    with kit.Cluster() as cluster:
        master, _, agent, _ = started(cluster)
        launcher = Launcher(master, True)
        launcher.up(1)
        for count in (1, 100):
            up, (ids, _) = syncs_of(agent, cluster.root, lambda: launcher.up(count))
            down, _ = syncs_of(agent, cluster.root, lambda: launcher.down(ids))
            figure("%d at once: up; killed" % count, "%.2f; %.2f a task" % (up / count,
                                                                        down / count))


def main():
    kit.TICK_S = 0.001
    for checkpoint in (False, True):
        suffix = ", with checkpoints" if checkpoint else ""
        measure("posix launcher" + suffix, {}, checkpoint)
        if os.geteuid() == 0:
            measure("linux launcher" + suffix,
                    dict(LINUX, cgroups_root="tepui-bench-%d" % os.getpid()), checkpoint)
    count_syncs()


main()
