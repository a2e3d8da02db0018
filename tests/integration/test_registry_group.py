"""The registry of three masters: a majority of their disks is all that is needed."""
import contextlib

import pytest

import fake_agents
import kit
import masters


@pytest.fixture
def group():
    with kit.Cluster() as c, masters.Group(c) as g:
        g.heal()
        yield g


@pytest.fixture
def agents():
    agents = fake_agents.Agents()
    yield agents
    agents.close()


def register(agents, group, number):
    """One more agent; returns once a leader has said that it is registered."""
    fake_agents.admit(agents, group.leader, number)


def everybody(master):
    """The agents of the registry."""
    slaves = fake_agents.registry(master).get("slaves", {}).get("slaves", [])
    return {s["info"]["id"]["value"] for s in slaves}


def know(group, agents, count):
    """Whoever leads has all that was confirmed to so many agents."""
    assert len(agents.confirmed()) == count
    known = kit.until(lambda: everybody(group.leader()), what="a registry")
    assert agents.confirmed() <= known


def test_the_next_leader_knows_what_was_confirmed(group, agents):
    for number in range(3):
        register(agents, group, number)
        leader = group.leader()
        group.kill(leader)
        know(group, agents, number + 1)
        group.heal()


def test_a_replica_that_lost_its_disk_catches_up(group, agents):
    """In the end only copies are left."""
    register(agents, group, 1)
    leader = group.leader()
    for m in [*group.followers(), leader]:
        group.heal()
        group.wipe(m)
        if m is not leader:
            group.start(m)
    know(group, agents, 1)


def test_one_replica_may_be_away_and_gets_what_it_missed(group, agents):
    leader = group.leader()
    late, other = group.followers()
    group.kill(late)
    register(agents, group, 1)
    group.heal()
    register(agents, group, 2)
    group.kill(other)
    group.wipe(leader)
    group.start(leader)
    group.heal()
    know(group, agents, 2)


def test_without_a_majority_nothing_is_confirmed_and_the_leader_ends(group, agents):
    register(agents, group, 1)
    leader = group.leader()
    for m in group.followers():
        group.kill(m)
    before = agents.confirmed()
    with contextlib.suppress(OSError):
        agents.register(leader, [2])
    assert leader.process.wait(kit.WAIT_SECONDS) == 1
    last = (leader.folder / "log").read_text().splitlines()[-1]
    # The other: ZooKeeper has not heard of it while the machine stood still.
    assert "--registry_store_timeout" in last or "Lost leadership" in last
    assert agents.confirmed() == before
    group.heal()
    know(group, agents, 1)


def test_the_registry_outlives_a_crash_of_all(group, agents):
    register(agents, group, 1)
    for m in group.masters:
        group.kill(m)
    group.heal()
    know(group, agents, 1)


def test_the_registry_outlives_a_change_from_zookeeper_to_peers(group, agents):
    register(agents, group, 1)
    names = ",".join("127.0.0.1:%d" % m.port for m in group.masters)
    for m in group.masters:
        group.kill(m)
        del m.flags["zk"], m.flags["quorum"]
        m.flags["peers"] = names
    group.heal()
    know(group, agents, 1)
    register(agents, group, 2)
