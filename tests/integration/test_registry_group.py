"""The registry of three masters: a majority of their disks is all that is needed."""
import time

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


def register(agents, master, number):
    """One more agent; returns once the master has said that it is registered."""
    before = len(agents.confirmed())
    agents.register(master, [number])
    kit.until(lambda: len(agents.confirmed()) > before, 20, "the agent registered")


def everybody(master):
    """The agents of the registry."""
    slaves = fake_agents.registry(master).get("slaves", {}).get("slaves", [])
    return {s["info"]["id"]["value"] for s in slaves}


def test_the_next_leader_knows_what_was_confirmed(group, agents):
    for number in range(3):
        leader = group.leader()
        register(agents, leader, number)
        leader.kill()
        assert agents.confirmed() <= fake_agents.recovered(group.leader())
        leader.start()
        kit.until(lambda: masters.votes(leader), 60, "a replica that votes")
    assert len(agents.confirmed()) == 3


def test_a_replica_that_lost_its_disk_catches_up(group, agents):
    """In the end only copies are left."""
    leader = group.leader()
    register(agents, leader, 1)
    for m in group.followers():
        group.wipe(m)
        m.start()
        kit.until(lambda: masters.votes(m), 60, "a replica that votes")
    group.wipe(leader)
    assert everybody(group.leader()) == agents.confirmed()


def test_one_replica_may_be_away_and_gets_what_it_missed(group, agents):
    leader = group.leader()
    late, other = group.followers()
    late.kill()
    register(agents, leader, 1)
    late.start()
    kit.until(lambda: masters.votes(late), 60, "a replica that votes")
    register(agents, leader, 2)
    other.kill()
    group.wipe(leader)
    leader.start()
    assert everybody(group.heal()) == agents.confirmed()


def test_without_a_majority_nothing_is_confirmed_and_the_leader_ends(group, agents):
    leader = group.leader()
    register(agents, leader, 1)
    for m in group.followers():
        m.kill()
    before = agents.confirmed()
    agents.register(leader, [2])
    assert leader.process.wait(30) == 1
    log = (leader.folder / "log").read_text()
    assert "--registry_store_timeout" in log.splitlines()[-1]
    assert agents.confirmed() == before
    assert before <= everybody(group.heal())


def test_the_registry_outlives_a_crash_of_all(group, agents):
    register(agents, group.leader(), 1)
    for m in group.masters:
        m.kill()
    time.sleep(0.1)
    assert everybody(group.heal()) == agents.confirmed()


def test_the_registry_outlives_a_change_from_zookeeper_to_peers(group, agents):
    register(agents, group.leader(), 1)
    names = ",".join("127.0.0.1:%d" % m.port for m in group.masters)
    for m in group.masters:
        m.kill()
        del m.flags["zk"], m.flags["quorum"]
        m.flags["peers"] = names
    assert everybody(group.heal()) == agents.confirmed()
    register(agents, group.leader(), 2)
