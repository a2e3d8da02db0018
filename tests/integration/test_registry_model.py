"""What may be seen of a registry, in histories of a few operations."""
import pytest

import registry_model
from registry_model import ADMITTED, GONE

STARTED = {"m0#1": 0, "m1#2": 0}


def event(kind, key, invoked, returned=None, outcome=None, leader="m0#1", **more):
    return dict({"client": 0, "kind": kind, "key": key, "invoked": invoked, "returned": returned,
                 "outcome": outcome or ("info" if returned is None else "ok"), "leader": leader},
                **more)


def admit(n, *when, **more):
    return event("admit", ("agent", n), *when, **more)


def gone(n, *when, **more):
    return event("gone", ("agent", n), *when, **dict({"result": "gone"}, **more))


def put(n, value, *when, **more):
    return event("set", ("weight", n), *when, value=value, **more)


def read(result, *when, source="registry", **more):
    return event("read", None, *when, source=source, result=result, **more)


def agents(*numbers, state=ADMITTED):
    return {("agent", n): state for n in numbers}


def fits(*history):
    return not registry_model.check(list(history), STARTED)[0]


def test_agents_come_and_go():
    assert fits(read({}, 0, 1), admit(1, 2, 3), read(agents(1), 4, 5), gone(1, 6, 7),
                read(agents(1, state=GONE), 8, 9), read({}, 10, 11, source="agents"))


def test_nobody_is_there_who_was_not_admitted():
    assert not fits(read(agents(1), 0, 1))
    assert not fits(admit(1, 0, 1, outcome="fail"), read(agents(1), 2, 3))
    assert fits(admit(1, 0), read(agents(1), 2, 3))


def test_who_was_admitted_or_marked_gone_is_not_forgotten():
    assert not fits(admit(1, 0, 1), read({}, 2, 3))
    assert not fits(admit(1, 0, 1), gone(1, 2, 3), read({}, 4, 5))
    assert not fits(admit(1, 0, 1), gone(1, 2, 3), read(agents(1), 4, 5))
    assert fits(admit(1, 0, 1), gone(1, 2), read(agents(1), 4, 5))


def test_gone_may_be_said_twice_and_not_of_nobody():
    assert fits(admit(1, 0, 1), gone(1, 2, 3), gone(1, 4, 5))
    assert not fits(gone(1, 0, 1))


def test_who_unregistered_is_not_shown_and_unknown():
    assert fits(admit(1, 0, 1), event("remove", ("agent", 1), 2), read({}, 4, 5),
                gone(1, 6, 7, result="unknown"))
    assert not fits(admit(1, 0, 1), event("remove", ("agent", 1), 2), read({}, 4, 5),
                    read(agents(1), 6, 7))


def test_nobody_who_is_known_is_unknown():
    assert not fits(admit(1, 0, 1), gone(1, 2, 3, result="unknown"))


@pytest.mark.parametrize("source", ["registry", "weights"])
def test_weights(source):
    assert fits(put(1, 5, 0, 1), read({("weight", 1): 5}, 2, 3, source=source))
    assert not fits(put(1, 5, 0, 1), read({}, 2, 3, source=source))
    assert not fits(put(1, 5, 0, 1), put(1, 6, 2, 3),
                    read({("weight", 1): 5}, 4, 5, source=source))


def test_what_an_answer_is_not_about_it_says_nothing_of():
    assert fits(admit(1, 0, 1), put(1, 5, 0, 1), read({}, 2, 3, source="quota"))


def test_a_leader_that_was_replaced_may_be_behind_what_another_confirmed():
    old = [put(1, 5, 0, 1), put(1, 6, 2, 3, leader="m1#2"), put(2, 9, 4, 5, leader="m1#2")]
    late = read({("weight", 1): 5}, 10, 11)
    assert fits(*old, late)
    failures, stale, count = registry_model.check([*old, late], STARTED)
    # Both weights were read as they had been.
    assert (failures, stale, count) == ({}, 2, 2)


def test_but_not_behind_what_it_confirmed_itself():
    old = [put(1, 5, 0, 1), put(1, 6, 2, 3, leader="m1#2"), put(2, 9, 4, 5)]
    assert not fits(*old, read({("weight", 1): 5, ("weight", 2): 9}, 10, 11))
    assert fits(*old, read({("weight", 1): 6, ("weight", 2): 9}, 10, 11))


def test_nor_behind_its_own_start():
    history = [put(1, 5, 0, 1), read({}, 10, 11, leader="m2#3")]
    assert registry_model.check(history, dict(STARTED, **{"m2#3": 2}))[0]
    assert not registry_model.check(history, dict(STARTED, **{"m2#3": 0.5}))[0]


def test_nor_does_it_go_back_in_answers_of_one_kind():
    writes = [put(1, 5, 0, 1), put(1, 6, 2, 3)]
    for write in writes:
        write["leader"] = "m1#2"
    new = read({("weight", 1): 6}, 4, 5)
    assert not fits(*writes, new, read({("weight", 1): 5}, 6, 7))
    assert fits(*writes, new, read({("weight", 1): 5}, 6, 7, source="weights"))


def test_mutants_of_a_good_history_are_found():
    history = [admit(1, 0, 1), admit(2, 2, 3), gone(2, 4, 5), put(1, 5, 6, 7), put(1, 6, 8, 9),
               event("set", ("quota", 0), 10, 11, value=(1, 1)),
               event("set", ("quota", 0), 12, 13, value=(2, 2)),
               read({**agents(1), **agents(2, state=GONE), ("weight", 1): 6,
                     ("quota", 0): (2, 2)}, 14, 15)]
    assert fits(*history)
    mutants = registry_model.mutants(history)
    assert len(mutants) == 8
    for name, (key, mutant) in mutants.items():
        assert registry_model.check(mutant, STARTED, key)[0], name
