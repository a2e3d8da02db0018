"""The registry of three masters while networks break, processes die and stop, and disks are full:
what clients saw is linearizable (registry_model.py says of what that can be asked).

TEPUI_FAULTS_SECONDS and TEPUI_FAULTS_SEED make it longer, and another. Runs inside of `apart`."""
import os
import sys

import pytest

import island_masters
import islands
import kit
import nemesis
import registry_clients
import registry_model

SECONDS = float(os.environ.get("TEPUI_FAULTS_SECONDS", 18))
SEED = os.environ.get("TEPUI_FAULTS_SEED", "1")
CLIENTS = 5
AGENTS = 250  # in one run, however long it is
OPERATIONS = {"admit": 2, "gone": 1, "remove": 1, "set_weight": 3, "set_quota": 3,
              "read_agents": 2, "read_weights": 2, "read_quota": 2, "read_registry": 2}


class Run:
    """Clients that work on a group of masters, and what they record. Use it in a `with` block."""

    def __init__(self, election, operations=OPERATIONS, **flags):
        self.cluster = kit.Cluster().__enter__()
        self.history = registry_clients.History()
        self.group = island_masters.Group(self.cluster, self.history, election, **flags)
        self.agents = registry_clients.Agents(islands.HOST)
        self.clients = [self.client(n, operations) for n in range(CLIENTS)]

    def client(self, number, operations):
        return registry_clients.Client(number, self.group, self.agents, self.history, SEED,
                                       operations, AGENTS / CLIENTS / SECONDS)

    def __enter__(self):
        try:
            self.group.heal()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, *exc):
        self.history.dump(self.cluster.root / "history")
        self.group.__exit__(*exc)
        self.agents.close()
        self.cluster.__exit__(*exc)

    def work(self, meanwhile):
        """All clients work until meanwhile() is over."""
        for c in self.clients:
            c.start()
        meanwhile()
        for c in self.clients:
            c.stop()
        for c in self.clients:
            c.join()
            if c.error is not None:
                raise c.error

    def read_all(self):
        """After a write of the same master everything that it says is as new as that write."""
        client = self.client(CLIENTS, OPERATIONS)

        def reads():
            client.master = self.group.leader()
            life = client.master.life
            events = [client.set_weight(), client.read_registry(), client.read_agents(),
                      client.read_weights(), client.read_quota()]
            return all(e["outcome"] == "ok" and e["leader"] == life for e in events)
        client.serial = len(self.history.events)
        kit.until(reads, what="a leader that writes and reads")

    def verdict(self):
        failures, stale, count = registry_model.check(self.history.events, self.history.started)
        print("seed %s: %s; %d lives of masters; %d objects, %d of them read out of date" % (
            SEED, ", ".join("%d %s" % (self.history.count(outcome), outcome)
                            for outcome in ("ok", "info", "fail")),
            self.group.lives, count, stale))
        for key, failure in list(failures.items())[:3]:
            print("%s is not linearizable; %s" % (key, failure))
        return failures

    def must_find_mutants(self):
        """The verdict on what was recorded is worth something: small lies in it are found."""
        mutants = registry_model.mutants(self.history.events)
        assert len(mutants) >= 5, list(mutants)
        for name, (key, mutant) in mutants.items():
            assert registry_model.check(mutant, self.history.started, key)[0], name


@pytest.mark.parametrize("election", ["zookeeper", "peers"])
def test_what_clients_saw_is_linearizable(election):
    with Run(election) as run:
        villain = nemesis.Nemesis(run.group, SEED, SECONDS)

        def is_busy():
            return run.history.count("ok", "admit") > 10 and run.history.count("ok", "set") > 20
        run.work(lambda: [villain.run(), kit.until(is_busy, what="work that is done")])
        run.group.heal()
        run.read_all()
        for m in run.group.masters:
            run.group.crash(m)
        run.group.heal()
        run.read_all()
        assert not run.verdict()
        assert not run.group.problems
        run.must_find_mutants()
        # It has met something.
        assert run.group.lives > 3 + len(villain.steps) // 4


def test_a_registry_that_forgets_is_found_out():
    """In memory each leader has one of its own: what was confirmed by the last is lost."""
    with Run("zookeeper", registry="in_memory") as run:
        run.work(lambda: [kit.until(lambda: run.history.count("ok", "set") > 20, what="writes"),
                          run.group.crash(run.group.leader())])
        run.read_all()
        assert run.verdict()


def test_a_quorum_of_one_is_found_out():
    """What a leader confirms while it is cut off nobody else has, and the next does the same."""
    with Run("zookeeper", quorum=1) as run:
        villain = nemesis.Nemesis(run.group, SEED, 0)

        def writes(master):
            return sum(1 for e in run.history.events if e["kind"] == "set" and
                       e["outcome"] == "ok" and e["leader"] == master.life)

        def meanwhile():
            first = run.group.leader()
            nemesis.alone_without_zookeeper(villain, [first])
            kit.until(lambda: writes(first) > 10, what="writes of the first leader")
            kit.until(lambda: any(writes(m) > 10 for m in run.group.masters if m is not first),
                      what="writes of the next leader")
            villain.mend()
        run.work(meanwhile)
        run.group.heal()
        run.read_all()
        assert run.verdict()
