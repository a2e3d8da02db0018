"""Is a history of operations linearizable? A search for an order that explains it.

Each operation took effect at one moment, or, if its outcome is unknown, perhaps at none. A history
is linearizable if moments can be chosen so that each lies between the operation's `earliest` and
`latest` time, and a model that performs them in that order gives the results that were seen.

The search is Wing's and Gong's, with the memory of Lowe's: it takes operations one by one, each
time one that nobody who is still out must precede, goes back when it is stuck, and visits no pair
of (what was taken, state) twice. Operations that change nothing and fit are taken at once: they
cannot do better later. Unknown outcomes are used up sparingly, fewest first: only if somebody who
could be next does not fit the state, and not if the same answers were explained and the same state
was reached without some of them. For that an unknown operation before a known one that fits must be
of no use: it may as well come after it, or not at all. Registers and steps in one direction are so.

One history is about one object; what is about many is parted by object before (linearizability is
a local property), at the price that a read of many objects is not checked to be of one moment.
"""
import heapq
import itertools
import math

NEVER = math.inf
STATES_MAX = 200_000


class Op:
    """`do(state)` of its model is the state after it, or None if it cannot have had its result.

    invoked, returned   when the client began, and had the answer; returned is NEVER if it had none
    earliest            from when on it may have taken effect; `invoked` for most, less for reads of
                        a memory that may be old
    session             operations of one session take effect in the order of their clients' times,
                        whatever their `earliest` says; None: of no session
    """
    __slots__ = ("client", "name", "do", "invoked", "returned", "earliest", "sessions", "is_read")

    def __init__(self, client, name, do, invoked, returned=NEVER, earliest=None, sessions=(),
                 is_read=False):
        self.client, self.name, self.do = client, name, do
        self.invoked, self.returned = invoked, returned
        self.earliest = invoked if earliest is None else min(earliest, invoked)
        self.sessions = sessions
        self.is_read = is_read

    def __repr__(self):
        end = "?" if self.returned == NEVER else "%.3f" % self.returned
        early = "" if self.earliest == self.invoked else " (as of %.3f)" % self.earliest
        return "%8.3f .. %-8s %s: %s%s" % (self.invoked, end, self.client, self.name, early)


class Undecided(Exception):
    """The search was given up: neither verdict."""


class Failure:
    """How far the search came at best: the order it took, the state then, who fitted no more."""

    def __init__(self, taken, state, stuck):
        self.taken, self.state, self.stuck = taken, state, stuck

    def __str__(self):
        lines = ["in order, as far as it goes:"]
        lines += ["   %r" % op for op in self.taken[-20:]]
        lines += ["state: %r" % (self.state,), "and none of these can be next:"]
        lines += ["   %r" % op for op in self.stuck]
        return "\n".join(lines)


class Step:
    """A node of the search: what was taken, as sets of bits, the state then, and how we came."""
    __slots__ = ("known", "unknown", "state", "op", "parent")

    def __init__(self, known, unknown, state, op=None, parent=None):
        self.known, self.unknown, self.state = known, unknown, state
        self.op, self.parent = op, parent

    def order(self):
        taken, step = [], self
        while step.parent is not None:
            taken.append(step.op)
            step = step.parent
        return taken[::-1]


def session_needs(ops):
    """For each operation the set of those that its sessions put before it."""
    needs = [0] * len(ops)
    by_session = {}
    for i, op in enumerate(ops):
        for s in op.sessions:
            by_session.setdefault(s, []).append(i)
    for members in by_session.values():
        returns = sorted(members, key=lambda i: ops[i].returned)
        before, at = 0, 0
        for i in sorted(members, key=lambda i: ops[i].invoked):
            while ops[returns[at]].returned <= ops[i].invoked:
                before |= 1 << returns[at]
                at += 1
            needs[i] |= before
    return needs


class Search:
    def __init__(self, ops, initial):
        by_time = sorted(ops, key=lambda op: (op.earliest, op.returned))
        self.known = [op for op in by_time if op.returned != NEVER]
        self.unknown = [op for op in by_time if op.returned == NEVER]
        self.needs = session_needs(self.known)
        self.all = (1 << len(self.known)) - 1
        self.initial = initial
        self.seen, self.states = {}, 0

    def candidates(self, done):
        """Those not done whom nobody not done must precede; until when the first has to be."""
        found, horizon = [], NEVER
        i = (~done & (done + 1)).bit_length() - 1
        while i < len(self.known) and self.known[i].earliest <= horizon:
            if not done >> i & 1:
                if self.needs[i] & ~done == 0:
                    found.append(i)
                horizon = min(horizon, self.known[i].returned)
            i += 1
        return [i for i in found if self.known[i].earliest <= horizon], horizon

    def absorb(self, step):
        """Takes what changes nothing, as long as there is some; the step then, and who is left."""
        while True:
            rest, before = [], step
            found, horizon = self.candidates(step.known)
            for i in found:
                op = self.known[i]
                if op.is_read and op.do(step.state) == step.state:
                    step = Step(step.known | 1 << i, step.unknown, step.state, op, step)
                else:
                    rest.append(i)
            if step is before:
                return step, rest, horizon

    def follow(self, step, rest, horizon):
        steps, fits = [], True
        for i in rest:
            op = self.known[i]
            after = None if op.is_read else op.do(step.state)
            if after is None:
                fits = False
            else:
                steps.append(Step(step.known | 1 << i, step.unknown, after, op, step))
        for i, op in enumerate(() if fits else self.unknown):
            if op.earliest <= horizon and not step.unknown >> i & 1:
                after = op.do(step.state)
                if after is not None:
                    steps.append(Step(step.known, step.unknown | 1 << i, after, op, step))
        return steps

    def is_new(self, step):
        """Remembers it; false if it was there, or one that is as good."""
        others = self.seen.setdefault((step.known, step.state), [])
        if any(other & ~step.unknown == 0 for other in others):
            return False
        others.append(step.unknown)
        self.states += 1
        if self.states > STATES_MAX:
            raise Undecided("%d states, and no end" % STATES_MAX)
        return True

    def run(self):
        ties = itertools.count()
        best, best_count = None, -1
        heap = [(0, 0, 0, Step(0, 0, self.initial))]
        while heap:
            step, rest, horizon = self.absorb(heapq.heappop(heap)[3])
            if step.known == self.all:
                return None
            if not self.is_new(step):
                continue
            count = step.known.bit_count()
            if count > best_count:
                best, best_count = step, count
            for after in self.follow(step, rest, horizon):
                used = after.unknown.bit_count()
                heapq.heappush(heap, (used, -count, next(ties), after))
        stuck = [self.known[i] for i in self.candidates(best.known)[0]]
        return Failure(best.order(), best.state, stuck)


def check(ops, initial):
    """None if the history is linearizable, else a Failure. May raise Undecided. No state may be
    None."""
    assert initial is not None
    return Search(ops, initial).run()
