"""What goes wrong, from a seed: a plan of faults, each for some time, with some time to recover.

The plan is decided by the seed alone; what it meets is not, since the processes are real. "leader"
is whoever leads when the fault begins.
"""
import random
import signal
import time

import islands

TARGETS = ("leader", "leader", "leader", 0, 1, 2)


class Fault:
    """begin(nemesis, targets) makes it; what `Group.heal` mends need not be undone otherwise."""

    def __init__(self, name, begin, targets=1, needs_zookeeper=False):
        self.name, self.begin, self.targets = name, begin, targets
        self.needs_zookeeper = needs_zookeeper


def both_ways(a, others):
    return [(a, b) for b in others] + [(b, a) for b in others]


def alone(nemesis, targets):
    """The target and the other masters do not hear each other."""
    a = targets[0].island.ip
    nemesis.group.islands.cut(*both_ways(a, nemesis.other_ips(targets)))


def deaf(nemesis, targets):
    """The target hears no other master, and they hear it."""
    a = targets[0].island.ip
    nemesis.group.islands.cut(*[(b, a) for b in nemesis.other_ips(targets)])


def mute(nemesis, targets):
    a = targets[0].island.ip
    nemesis.group.islands.cut(*[(a, b) for b in nemesis.other_ips(targets)])


def chain(nemesis, targets):
    """The target hears both others, who do not hear each other."""
    b, c = nemesis.other_ips(targets)
    nemesis.group.islands.cut((b, c), (c, b))


def apart(nemesis, targets):
    """Nobody hears anybody."""
    ips = [m.island.ip for m in nemesis.group.masters]
    nemesis.group.islands.cut(*[(a, b) for a in ips for b in ips if a != b])


def crash(nemesis, targets):
    for m in targets:
        nemesis.group.crash(m)


def stop(nemesis, targets):
    for m in targets:
        nemesis.group.stop(m)


def fill(nemesis, targets):
    for m in targets:
        m.island.fill_disk()


def from_zookeeper(nemesis, targets):
    nemesis.group.islands.cut((islands.ZOOKEEPER, targets[0].island.ip))


def alone_without_zookeeper(nemesis, targets):
    a = targets[0].island.ip
    nemesis.group.islands.cut(*both_ways(a, nemesis.other_ips(targets)), (islands.ZOOKEEPER, a))


def stop_zookeeper(nemesis, targets):
    nemesis.group.zookeeper.process.send_signal(signal.SIGSTOP)


FAULTS = [
    Fault("alone", alone), Fault("deaf", deaf), Fault("mute", mute), Fault("chain", chain),
    Fault("all apart", apart, 0), Fault("kill -9", crash), Fault("kill -9", crash, 2),
    Fault("kill -9", crash, 3), Fault("SIGSTOP", stop), Fault("SIGSTOP", stop, 2),
    Fault("full disk", fill), Fault("full disk", fill, 2),
    Fault("no ZooKeeper", from_zookeeper, needs_zookeeper=True),
    Fault("alone, no ZooKeeper", alone_without_zookeeper, needs_zookeeper=True),
    Fault("ZooKeeper stopped", stop_zookeeper, 0, needs_zookeeper=True),
]


class Step:
    """One or two faults, the second beginning while the first lasts, then nothing for a while."""

    def __init__(self, rng, faults):
        self.faults = [(f, [rng.choice(TARGETS)] + rng.sample(range(3), 3)) for f in faults]
        self.seconds = [rng.uniform(0.5, 2.2) for _ in faults]
        self.rest_seconds = rng.uniform(0.3, 1.5)


def plan(seed, seconds, has_zookeeper):
    """Steps that fill the seconds. Every fault comes once before any comes again."""
    rng = random.Random(seed)
    usable = [f for f in FAULTS if has_zookeeper or not f.needs_zookeeper]
    steps, left, bag = [], seconds, []
    while left > 0:
        faults = []
        for _ in range(rng.choice((1, 1, 2))):
            bag = bag or rng.sample(usable, len(usable))
            faults.append(bag.pop())
        steps.append(Step(rng, faults))
        left -= sum(steps[-1].seconds) + steps[-1].rest_seconds
    return steps


class Nemesis:
    def __init__(self, group, seed, seconds):
        self.group = group
        self.steps = plan(seed, seconds, group.zookeeper is not None)

    def other_ips(self, targets):
        return [m.island.ip for m in self.group.masters if m is not targets[0]]

    def choose(self, wanted, count):
        """Masters by number, "leader" being whoever leads; each once."""
        chosen = []
        for w in wanted:
            m = self.group.try_leader() if w == "leader" else self.group.masters[w]
            if m is not None and m not in chosen:
                chosen.append(m)
        return chosen[:count]

    def mend(self):
        self.group.islands.heal()
        for m in self.group.masters:
            m.island.empty_disk()
            self.group.go_on(m)
            self.group.revive(m)
        if self.group.zookeeper is not None:
            self.group.zookeeper.process.send_signal(signal.SIGCONT)

    def begin(self, fault, wanted):
        targets = self.choose(wanted, max(fault.targets, 1))
        print("%7.2f  %-20s %s" % (time.monotonic() - self.begun, fault.name,
                                   " ".join(m.life for m in targets) if fault.targets else ""),
              flush=True)
        fault.begin(self, targets)

    def run(self):
        """Blocks until the plan is over; the cluster is mended then, but may not have recovered."""
        self.begun = time.monotonic()
        for step in self.steps:
            for (fault, wanted), seconds in zip(step.faults, step.seconds):
                self.begin(fault, wanted)
                time.sleep(seconds)
            self.mend()
            print("%7.2f  mended" % (time.monotonic() - self.begun), flush=True)
            time.sleep(step.rest_seconds)
