"""The checker of linearizability: what it must accept, what it must find, and that it agrees with
trying all orders."""
import itertools
import random

import pytest

import linear
from linear import NEVER, Op


def write(value, invoked, returned=NEVER, client="c", **more):
    return Op(client, "write %s" % value, lambda state: value, invoked, returned, **more)


def read(value, invoked, returned, client="c", **more):
    return Op(client, "read %s" % value, lambda state: state if state == value else None, invoked,
              returned, is_read=True, **more)


def swap(old, new, invoked, returned=NEVER, client="c"):
    """Compare and set, which found the old value."""
    return Op(client, "swap %s %s" % (old, new), lambda state: new if state == old else None,
              invoked, returned)


def fits(*ops):
    return linear.check(list(ops), 0) is None


# --- by hand ---

def test_nothing_happened():
    assert fits()


def test_one_after_the_other():
    assert fits(write(1, 0, 1), read(1, 2, 3), write(2, 4, 5), read(2, 6, 7))


def test_a_read_of_what_was_replaced_before_it_began():
    assert not fits(write(1, 0, 1), write(2, 2, 3), read(1, 4, 5))


def test_a_lost_write():
    assert not fits(write(1, 0, 1), read(0, 2, 3))


def test_beside_a_write_both_values_may_be_read():
    assert fits(write(1, 0, 10), read(0, 1, 2), read(1, 3, 4))
    assert fits(write(1, 0, 10), read(1, 1, 2))


def test_but_not_the_new_one_and_then_the_old_one():
    assert not fits(write(1, 0, 10), read(1, 1, 2), read(0, 3, 4))


def test_the_ends_of_an_interval_belong_to_it():
    assert fits(write(1, 0, 1), write(2, 1, 2), read(1, 2, 3))
    assert not fits(write(1, 0, 1), write(2, 1.5, 2), read(1, 2.5, 3))


def test_two_readers_must_agree_on_the_order_of_two_writes():
    assert not fits(write(1, 0, 10), write(2, 0, 10), read(1, 11, 12), read(2, 13, 14))
    assert not fits(write(1, 0, 10, "a"), write(2, 0, 10, "b"), read(1, 1, 2), read(2, 3, 4),
                    read(1, 5, 6))


def test_an_unknown_outcome_may_come_true_at_any_time_later_or_never():
    assert fits(write(1, 0), read(0, 1, 2), read(1, 3, 4))
    assert fits(write(1, 0), write(2, 1, 2), read(2, 3, 4), read(1, 100, 101))
    assert fits(write(1, 0), read(0, 100, 101))


def test_an_unknown_outcome_does_not_come_true_before_it_was_asked_for():
    assert not fits(read(1, 0, 1), write(1, 2))


def test_an_unknown_outcome_comes_true_once():
    assert not fits(write(1, 0), write(2, 0, 1), read(1, 2, 3), write(3, 4, 5), read(1, 6, 7))


def test_of_two_swaps_from_one_value_only_one_succeeds():
    assert fits(swap(0, 1, 0, 10), swap(1, 2, 0, 10), read(2, 11, 12))
    assert not fits(swap(0, 1, 0, 10), swap(0, 2, 0, 10))
    assert fits(swap(0, 1, 0, 10), swap(0, 2, 0))


def test_going_back_is_needed():
    """Whoever takes the first that fits is stuck with these."""
    assert fits(swap(0, 1, 0, 9), write(0, 0, 9), swap(0, 2, 0, 9), read(1, 10, 11))
    assert fits(write(1, 0, 9), write(2, 0, 9), write(3, 0, 9), read(2, 1, 2), read(1, 3, 4),
                read(3, 5, 6))


def test_a_memory_may_be_old_but_not_older_than_it_is_said_to_be():
    old = [write(1, 0, 1), write(2, 2, 3)]
    assert fits(*old, read(1, 10, 11, earliest=2.5))
    assert fits(*old, read(1, 10, 11, earliest=1))
    assert not fits(*old, read(1, 10, 11, earliest=3.5))
    assert not fits(*old, read(0, 10, 11, earliest=1.5))


def test_a_session_goes_forward():
    old = [write(1, 0, 1), write(2, 2, 3)]
    reads = [read(2, 10, 11, earliest=1, sessions=("m",)),
             read(1, 12, 13, earliest=1, sessions=("m",))]
    assert not fits(*old, *reads)
    reads[1].sessions = ("other",)
    assert fits(*old, *reads)


def test_a_session_reads_its_own_writes():
    late = read(0, 10, 11, earliest=0, sessions=("m",))
    assert fits(write(1, 2, 3), late)
    assert not fits(write(1, 2, 3, sessions=("m",)), late)


def test_a_failure_tells_where_it_is_stuck():
    failure = linear.check([write(1, 0, 1), write(2, 2, 3), read(1, 4, 5)], 0)
    assert failure.state == 2 and [op.name for op in failure.stuck] == ["read 1"]
    assert "read 1" in str(failure) and "write 2" in str(failure)


def test_it_gives_up_rather_than_guess(monkeypatch):
    monkeypatch.setattr(linear, "STATES_MAX", 100)
    writes = [write(n, 0, 10) for n in range(1, 8)]
    with pytest.raises(linear.Undecided):
        linear.check(writes + [read(77, 20, 21)], 0)


# --- against all orders ---

def explains(order, initial):
    """Orders are of all definite operations and some of the others."""
    for at, op in enumerate(order):
        if any(later.returned < op.earliest for later in order[at + 1:]):
            return False
        for later in order[at + 1:]:
            if (set(op.sessions) & set(later.sessions) and op.returned != NEVER and
                    later.returned <= op.invoked):
                return False
    state = initial
    for op in order:
        state = op.do(state)
        if state is None:
            return False
    return True


def by_all_orders(ops, initial):
    definite = [op for op in ops if op.returned != NEVER]
    unknown = [op for op in ops if op.returned == NEVER]
    for count in range(len(unknown) + 1):
        for chosen in itertools.combinations(unknown, count):
            if any(explains(o, initial) for o in itertools.permutations(definite + list(chosen))):
                return True
    return False


def arbitrary(rng):
    ops = []
    for _ in range(rng.randint(2, 5)):
        begin = rng.randint(0, 8)
        end = begin + rng.randint(1, 5)
        sessions = ("s",) if rng.random() < 0.3 else ()
        kind = rng.randrange(5)
        if kind < 2:
            ops.append(read(rng.randrange(3), begin, end, earliest=begin - rng.choice([0, 0, 2, 4]),
                            sessions=sessions))
        elif kind == 2:
            ops.append(swap(rng.randrange(3), rng.randrange(3), begin,
                            rng.choice([end, NEVER])))
        else:
            ops.append(write(rng.randrange(3), begin, rng.choice([end, end, NEVER]),
                             sessions=sessions))
    return ops


def test_it_agrees_with_trying_all_orders():
    rng = random.Random(1)
    verdicts = [0, 0]
    for _ in range(3000):
        ops = arbitrary(rng)
        expected = by_all_orders(ops, 0)
        assert (linear.check(ops, 0) is None) == expected, ops
        verdicts[expected] += 1
    assert min(verdicts) > 400, verdicts


# --- as large as what is recorded ---

def recorded(rng, count, clients):
    """A register as it would behave, seen by clients that work beside one another."""
    ops, state, now, busy = [], 0, 0.0, [0.0] * clients
    for n in range(1, count + 1):
        client = min(range(clients), key=lambda c: busy[c])
        now = max(now, busy[client]) + rng.random() * 0.1
        begin, end = busy[client], now + rng.random() * 0.3
        busy[client] = end + 0.01
        if rng.random() < 0.5:
            ops.append(read(state, begin, end, client))
        else:
            known = rng.random() < 0.9
            state = n if known or rng.random() < 0.5 else state
            ops.append(write(n, begin, end if known else NEVER, client))
    return ops


def test_long_histories_and_one_wrong_answer_in_each():
    for seed in range(10):
        ops = recorded(random.Random(seed), 200, 6)
        assert linear.check(ops, 0) is None
        reads = [op for op in ops if op.is_read and op.name != "read 0"]
        wrong = reads[len(reads) // 2]
        wrong.do = lambda state: state if state == 0 else None
        assert linear.check(ops, 0) is not None
