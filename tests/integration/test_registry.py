"""The registry in the replicated log: what was confirmed outlives kill -9, and full disks."""
import json
import os
import signal
import subprocess
import threading
import time

import pytest

import fake_agents
import kit

PINGS = {"agent_ping_timeout": "1secs", "max_agent_ping_timeouts": "2"}
PATIENT = {"agent_ping_timeout": "15mins"}


def durable(cluster, **flags):
    m = cluster.master(**dict({"registry": "replicated_log"}, **flags))
    return serves(m)


def serves(master):
    kit.until(lambda: master.request("POST", "/api/v1", '{"type":"GET_HEALTH"}',
                                     {"Content-Type": "application/json"})[0] == 200,
              what="a master that serves")
    return master


def restart(master):
    master.kill()
    return serves(master.start())


def ends(master):
    """The exit status, and what was logged."""
    status = master.process.wait(kit.WAIT_SECONDS)
    return status, (master.folder / "log").read_text(errors="replace")


def known(master, state):
    entries = fake_agents.registry(master).get(state, {}).get("slaves", [])
    return {(e["info"] if state == "slaves" else e)["id"]["value"] for e in entries}


def active(master):
    return {a["id"] for a in json.loads(master.get("/slaves"))["slaves"] if a["active"]}


def test_the_flag_need_not_be_given():
    with kit.Cluster() as c:
        m = c.add("tepui-master", "master", {})
        serves(m)
        assert fake_agents.registry(m)["master"]["info"]["port"] == m.port
        first = fake_agents.registry(m)["master"]["info"]["id"]
        restart(m)
        assert fake_agents.registry(m)["master"]["info"]["id"] != first
        metrics = json.loads(m.get("/metrics/snapshot"))
        assert metrics["registrar/log/recovered"] == 1
        assert metrics["registrar/log/ensemble_size"] == 1
        assert metrics["registrar/registry_size_bytes"] > 100
        assert metrics["registrar/state_fetch_ms"] > 0
        assert m.kill(signal.SIGTERM) == 0


def test_an_agent_and_its_task_outlive_the_master():
    with kit.Cluster() as c:
        m = durable(c, **PATIENT)
        a = c.agent(m)
        s = kit.Scheduler(m)
        s.launch(s.event("OFFERS")["offers"]["offers"][0], {"t": "sleep 1000"})
        while True:
            status = s.event("UPDATE")["update"]["status"]
            s.acknowledge(status)
            if status["state"] == "TASK_RUNNING":
                break
        identity = active(m).pop()
        a.process.send_signal(signal.SIGSTOP)
        restart(m)
        assert fake_agents.recovered(m) == {identity}
        a.process.send_signal(signal.SIGCONT)
        kit.until(lambda: active(m) == {identity}, what="the agent back")
        s.close()
        s.subscribe()
        s.call("RECONCILE", reconcile={"tasks": [{"task_id": {"value": "t"}}]})
        assert s.event("UPDATE")["update"]["status"]["state"] == "TASK_RUNNING"


def test_who_is_unreachable_stays_so_until_it_comes_back():
    with kit.Cluster() as c:
        m = durable(c, **PINGS)
        a = c.agent(m)
        identity = active(m).pop()
        a.process.send_signal(signal.SIGSTOP)
        kit.until(lambda: known(m, "unreachable") == {identity}, what="the agent unreachable")
        before = fake_agents.registry(m)["unreachable"]
        assert known(m, "slaves") == set()
        m.flags.update(PATIENT)
        restart(m)
        assert fake_agents.registry(m)["unreachable"] == before
        assert fake_agents.recovered(m) == set()
        assert json.loads(m.get("/metrics/snapshot"))["master/slaves_unreachable"] == 1
        a.process.send_signal(signal.SIGCONT)
        kit.until(lambda: known(m, "slaves") == {identity}, what="the agent reachable")
        assert known(m, "unreachable") == set()
        restart(m)
        assert known(m, "slaves") == {identity}


def test_who_is_gone_stays_gone_and_is_forgotten_in_time():
    with kit.Cluster() as c:
        m = durable(c, registry_gc_interval="300ms")
        agents = fake_agents.Agents()
        agents.register(m, [1])
        kit.until(agents.confirmed, what="the agent registered")
        identity = agents.confirmed().pop()
        body = json.dumps({"type": "MARK_AGENT_GONE",
                           "mark_agent_gone": {"agent_id": {"value": identity}}})
        assert m.request("POST", "/api/v1", body, {"Content-Type": "application/json"})[0] == 200
        assert known(m, "gone") == {identity}, "an answer means that it is stored"
        restart(m)
        assert known(m, "gone") == {identity} and known(m, "slaves") == set()
        m.flags["registry_max_agent_age"] = "1secs"
        restart(m)
        kit.until(lambda: known(m, "gone") == set(), what="the agent forgotten")
        restart(m)
        assert known(m, "gone") == set()
        agents.close()


def test_agents_that_were_confirmed_are_known_after_kill_9():
    """Again and again in the middle of many registrations."""
    with kit.Cluster() as c:
        m = durable(c)
        agents = fake_agents.Agents()
        for wave in range(5):
            def storm(base=wave * 1000):
                try:
                    agents.register(m, range(base, base + 1000))
                except OSError:
                    pass  # the master was killed
            thread = threading.Thread(target=storm)
            before = len(agents.confirmed())
            thread.start()
            kit.until(lambda: len(agents.confirmed()) > before + 20 * wave, what="registrations")
            m.kill()
            thread.join()
            confirmed = agents.confirmed()
            serves(m.start())
            assert confirmed <= fake_agents.recovered(m)
        assert len(agents.confirmed()) > 200
        agents.close()


def test_a_damaged_log_is_refused():
    with kit.Cluster() as c:
        m = durable(c)
        m.kill()
        for path in (m.folder / "work" / "replicated_log").iterdir():
            if path.suffix in (".log", ".ldb") or path.name.startswith("MANIFEST"):
                path.write_bytes(os.urandom(max(4096, path.stat().st_size)))
        m.process = subprocess.Popen(
            [kit.BIN / m.program] + ["--%s=%s" % f for f in m.flags.items()],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=open(m.folder / "log", "wb"))
        status, log = ends(m)
        assert status == 1, log
        assert "replicated_log" in log or "log" in log.splitlines()[-1], log


def test_another_master_in_the_same_folder_is_refused():
    with kit.Cluster() as c:
        m = durable(c)
        other = dict(m.flags, port=kit.free_port(), registry_fetch_timeout="2secs")
        process = subprocess.run(
            [kit.BIN / m.program] + ["--%s=%s" % f for f in other.items()],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=kit.WAIT_SECONDS)
        assert process.returncode == 1
        assert "LOCK" in process.stderr, process.stderr
        assert known(m, "slaves") == set()


@pytest.fixture
def small_disk(tmp_path):
    if os.geteuid() != 0 or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(tmp_path)]).returncode != 0:
        pytest.skip("needs to mount a tmpfs")
    yield tmp_path
    subprocess.run(["umount", "-l", str(tmp_path)], check=True)


def fill(folder):
    filler = folder / "filler"
    with open(filler, "wb", buffering=0) as out:
        try:
            while True:
                out.write(b"x" * 4096)
        except OSError:
            return filler


def test_a_full_disk_ends_the_master_and_loses_nothing(small_disk):
    with kit.Cluster() as c:
        m = durable(c, work_dir=small_disk / "work", registry_store_timeout="3secs")
        agents = fake_agents.Agents()
        agents.register(m, range(5))
        kit.until(lambda: len(agents.confirmed()) == 5, what="the first agents")
        filler = fill(small_disk)
        for n in range(5, 300):
            try:
                agents.register(m, [n], size=30000)
            except OSError:
                break
            if m.process.poll() is not None:
                break
            time.sleep(0.05)
        status, log = ends(m)
        assert status == 1
        last = [line for line in log.splitlines() if line.startswith("E")][-1]
        assert "--registry_store_timeout" in last, last
        assert "No space left on device" in log

        confirmed = agents.confirmed()
        filler.unlink()
        serves(m.start())
        assert confirmed <= fake_agents.recovered(m)
        agents.register(m, [1000])
        kit.until(lambda: "slave(1000)" in agents.registered, what="one more agent")
        agents.close()


def test_a_disk_that_is_full_for_a_moment_ends_nothing(small_disk):
    with kit.Cluster() as c:
        m = durable(c, work_dir=small_disk / "work", registry_store_timeout="10mins")
        agents = fake_agents.Agents()
        filler = fill(small_disk)
        agents.register(m, range(3), size=30000)
        kit.until(lambda: "No space left" in (m.folder / "log").read_text(), what="a full disk")
        assert agents.confirmed() == set()
        filler.unlink()
        kit.until(lambda: len(agents.confirmed()) == 3, what="the agents registered")
        restart(m)
        assert fake_agents.recovered(m) == agents.confirmed()
        agents.close()
