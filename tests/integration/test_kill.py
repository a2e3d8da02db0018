"""kill -9 of the agent, of the master, of both, in the middle of 100 running tasks."""
import pathlib

import pytest

import kit

TASKS = 100
# Says that it runs, once for each start, and waits to be ended.
COMMAND = "echo run >> starts; while [ ! -e %s ]; do sleep 0.2; done"
FINAL = ("TASK_FINISHED", "TASK_FAILED", "TASK_KILLED", "TASK_LOST", "TASK_GONE", "TASK_DROPPED",
         "TASK_ERROR")


class Story:
    """What a scheduler hears of its tasks, held against the rules."""

    def __init__(self, scheduler, tasks):
        self.s = scheduler
        self.states = {t: [] for t in tasks}
        self.acknowledged = set()

    def take(self):
        status = self.s.event("UPDATE")["update"]["status"]
        task, state = status["task_id"]["value"], status["state"]
        uuid = status.get("uuid")
        before = self.states[task]
        if uuid is None:
            return task, state
        if uuid not in self.acknowledged:
            assert not before or before[-1] not in FINAL, (task, before, state)
            before.append(state)
        self.acknowledged.add(uuid)
        self.s.acknowledge(status)
        return task, state

    def until_all(self, state):
        while not all(s and s[-1] == state for s in self.states.values()):
            task, told = self.take()
            assert told not in FINAL or told == state, (task, told)


def offers(s):
    return s.event("OFFERS")["offers"]["offers"]


@pytest.mark.parametrize("victims", [("agent",), ("master",), ("agent", "master")],
                         ids=["agent", "master", "both"])
def test_all_tasks_are_known_again(victims):
    with kit.Cluster() as c:
        m = c.master()
        a = c.agent(m, resources="cpus:32;mem:32768;disk:4096;ports:[31000-32000]")
        daemons = {"agent": a, "master": m}
        end = c.root / "end"
        s = kit.Scheduler(m)
        tasks = ["t%d" % i for i in range(TASKS)]
        s.launch(offers(s)[0], {t: COMMAND % end for t in tasks})
        story = Story(s, tasks)
        story.until_all("TASK_RUNNING")

        for name in victims:
            daemons[name].kill()
        for name in reversed(victims):
            daemons[name].start()
        if "master" in victims:
            s.close()
            s.subscribe()
        kit.until(lambda: running(m) == set(tasks), what="all tasks known to the master")

        end.touch()
        story.until_all("TASK_FINISHED")
        starts = [p.read_text() for p in pathlib.Path(c.root).glob(
            "agent/work/slaves/*/frameworks/*/executors/*/runs/*-*/starts")]
        assert len(starts) == TASKS and set(starts) == {"run\n"}, "something ran twice"
        kit.until(lambda: not running(m), what="no task left")
        kit.until(lambda: not c.leftovers(), what="no process left")


def running(master):
    return {t["id"] for f in master.state()["frameworks"] for t in f["tasks"]
            if t["state"] == "TASK_RUNNING"}
