"""What a registry's objects do, and what of a recorded history is said about each of them.

A history is a list of dicts, one for each operation of a client:

    client, kind, key     who, and "admit", "gone", "remove" (an agent), "set" (quota, a weight),
                          "read"
    invoked, returned     seconds; returned is None if there was no answer
    outcome               "ok", "info" (no answer, or one that says nothing), "fail" (not performed)
    value                 of "set"
    leader                which process of a master answered, or was asked
    source                of "read": which of the master's answers it was
    result                of "read": {object: what it is}, for all objects that are not as in the
                          beginning; of "gone": "gone" or "unknown"

Objects are ("agent", n), ("quota", n), ("weight", n).

**What is linearizable, and what is not.** Writes are: an admission, a removal, a quota is in the
replicated log before it is answered, and the log takes writes of one leader at a time. Reads are
not: like the original, a leader answers them from its memory, also after another has been elected
and it does not know yet. So a read's moment may lie before the client asked, but

* not before the master began to serve, which it does with all that the log had then;
* not before any write that the same master confirmed before the client asked;
* and what one master says in answers of one kind never goes back.

A read that follows a write of the same master is therefore as good as a linearizable one, and that
is how tests read at the end. "Unknown agent" as the answer to a write is such a read, too.
"""
import bisect

import linear

ABSENT, ADMITTED, REMOVED, GONE = "absent", "admitted", "removed", "gone"
UNSET = "unset"
# Which objects an answer is about, and what it says of those that it does not name.
SOURCES = {
    "registry": {"agent": ABSENT, "quota": UNSET, "weight": UNSET},
    "agents": {"agent": ABSENT},
    "quota": {"quota": UNSET},
    "weights": {"weight": UNSET},
}


# --- what operations do; None: cannot be ---

def admit(state):
    return ADMITTED if state == ABSENT else None


def mark_gone(state):
    return GONE if state in (ADMITTED, GONE) else None


def remove(state):
    return REMOVED if state == ADMITTED else None


def is_unknown(state):
    return state if state in (ABSENT, REMOVED) else None


def read_agent(source, seen):
    """GET_AGENTS shows only who is admitted; nobody shows who was removed."""
    shown = {ADMITTED: ADMITTED, GONE: GONE if source == "registry" else ABSENT}
    return lambda state: state if shown.get(state, ABSENT) == seen else None


def read_register(seen):
    return lambda state: state if state == seen else None


# --- from history to operations ---

class Leaders:
    """What each process of a master had confirmed, and when."""

    def __init__(self, history, started):
        self.started = started
        self.writes = {}
        for e in history:
            if e["kind"] != "read" and e["outcome"] == "ok" and e.get("result") != "unknown":
                self.writes.setdefault(e["leader"], []).append((e["returned"], e["invoked"]))
        self.returns = {}
        for leader, writes in self.writes.items():
            writes.sort()
            self.returns[leader] = [returned for returned, _ in writes]
            for i in range(1, len(writes)):
                writes[i] = (writes[i][0], max(writes[i][1], writes[i - 1][1]))

    def as_of(self, leader, moment):
        """What the leader knows at that moment is as of then, or newer."""
        at = bisect.bisect_right(self.returns.get(leader, []), moment)
        since = self.started[leader]
        return since if at == 0 else max(since, self.writes[leader][at - 1][1])


def operation(event, name, do, sessions=(), earliest=None, is_read=False):
    returned = event["returned"] if event["outcome"] == "ok" else linear.NEVER
    return linear.Op(event["client"], name, do, event["invoked"], returned, earliest, sessions,
                     is_read)


def sessions_of(event, sources):
    return tuple((event["leader"], source) for source in sources)


def of_write(event, leaders, strict):
    kind = event["kind"]
    if kind == "gone" and event.get("result") == "unknown":
        earliest = None if strict else leaders.as_of(event["leader"], event["invoked"])
        return operation(event, "is unknown", is_unknown, sessions_of(event, ["calls"]), earliest,
                         is_read=True)
    sessions = sessions_of(event, [*SOURCES, "calls"])
    if kind == "set":
        value = event["value"]
        return operation(event, "set %s" % (value,), lambda state: value, sessions)
    return operation(event, kind, {"admit": admit, "gone": mark_gone, "remove": remove}[kind],
                     sessions)


def of_read(event, key, leaders, strict):
    source = event["source"]
    seen = event["result"].get(key, SOURCES[source][key[0]])
    do = read_agent(source, seen) if key[0] == "agent" else read_register(seen)
    earliest = None if strict else leaders.as_of(event["leader"], event["invoked"])
    return operation(event, "%s: %s" % (source, seen), do, sessions_of(event, [source]), earliest,
                     is_read=True)


class Parts:
    """A history by objects; `started`: {leader: when its process was started}."""

    def __init__(self, history, started):
        known = [e for e in history if e["outcome"] != "fail"]
        self.leaders = Leaders(history, started)
        self.writes = {e["key"]: [] for e in known if e["kind"] != "read"}
        self.reads = [e for e in known if e["kind"] == "read" and e["outcome"] == "ok"]
        for e in known:
            if e["kind"] != "read":
                self.writes[e["key"]].append(e)
        for e in self.reads:
            for key in e["result"]:
                self.writes.setdefault(key, [])

    def operations(self, key, strict):
        """strict: as if reads were linearizable. Without reads that came before all writes and saw
        nothing: they fit in any case."""
        first = min((e["invoked"] for e in self.writes[key]), default=linear.NEVER)
        ops = [of_write(e, self.leaders, strict) for e in self.writes[key]]
        for e in self.reads:
            if key[0] in SOURCES[e["source"]] and (e["returned"] >= first or key in e["result"]):
                ops.append(of_read(e, key, self.leaders, strict))
        return ops


def initial(key):
    return ABSENT if key[0] == "agent" else UNSET


def check(history, started, only=None):
    """({object: linear.Failure}, how many objects were read out of date, how many there are); of
    all objects, or of one only."""
    parts = Parts(history, started)
    failures, stale = {}, 0
    for key in parts.writes if only is None else [only]:
        # Whoever is strict is loose.
        if linear.check(parts.operations(key, True), initial(key)) is not None:
            failure = linear.check(parts.operations(key, False), initial(key))
            if failure is None:
                stale += 1
            else:
                failures[key] = failure
    return failures, stale, len(parts.writes)


# --- what a check must find ---

def last_read(history):
    """The place of the last answer that tells of everything."""
    return max((i for i, e in enumerate(history)
                if e["kind"] == "read" and e["outcome"] == "ok" and e["source"] == "registry"),
               key=lambda i: history[i]["invoked"])


def with_last_read(history, key, value):
    at = last_read(history)
    result = dict(history[at]["result"])
    if value is None:
        del result[key]
    else:
        result[key] = value
    return history[:at] + [dict(history[at], result=result)] + history[at + 1:]


def mutants(history):
    """{what is wrong: (of which object, a history that differs in one place and cannot have been)},
    made of a good one that ends with reads after everything. Of objects that nothing unknown was
    done to."""
    result = history[last_read(history)]["result"]
    doubtful = {e["key"] for e in history if e["kind"] != "read" and e["outcome"] == "info"}
    agents = [key for key in result if key[0] == "agent" and key not in doubtful]
    found = {}
    for state, other in ((ADMITTED, None), (GONE, None), (GONE, ADMITTED), (ADMITTED, GONE)):
        for key in [key for key in agents if result[key] == state][:1]:
            found["%s, read as %s" % (state, other)] = key, with_last_read(history, key, other)
    for key in [key for key in result if key[0] != "agent"]:
        written = [e for e in history if e["kind"] == "set" and e["key"] == key]
        first = min((e for e in written if e["outcome"] == "ok"), key=lambda e: e["returned"])
        if first["value"] != result[key]:
            found["a lost %s" % key[0]] = key, with_last_read(history, key, first["value"])
        found["a %s that nobody set" % key[0]] = key, [
            e for e in history if e["kind"] != "set" or e["value"] != result[key]]
    return found
