#include "master/observer.h"

#include <stdio.h>

#include "master/master_state.h"
#include "master/unreachable.h"
#include "wire/message.h"

#define OBSERVER_PREFIX "slave-observer("

static void send_ping(struct master *master, const struct agent *agent, bool connected)
{
    Pb__Internal__PingSlaveMessage message = PB__INTERNAL__PING_SLAVE_MESSAGE__INIT;
    message.connected = connected;
    char from[UPID_ID_SIZE_MAX + 1];
    snprintf(from, sizeof(from), OBSERVER_PREFIX "%llu)", (unsigned long long)agent->observer);
    net_send(&master->effects->net, from, &agent->upid, "mesos.internal.PingSlaveMessage",
             message_encode_blob(&message.base));
}

static void ping(struct master *master, struct agent *agent)
{
    send_ping(master, agent, agent->connected);
    agent->awaits_pong = true;
    timers_set(&master->timers, &agent->ping,
               time_add_ns(master->now.mono_ns, master->options.agent_ping_timeout_ns));
}

void master_observer_start(struct master *master, struct agent *agent)
{
    agent->observer = ++master->next_observer;
    agent->missed_pings = 0;
    ping(master, agent);
}

void master_observer_send_away(struct master *master, const struct agent *agent)
{
    send_ping(master, agent, false);
}

void master_observer_timeout(struct master *master, struct agent *agent)
{
    if (agent->awaits_pong) {
        agent->missed_pings++;
        if (agent->missed_pings >= master->options.max_agent_ping_timeouts) {
            master_unreachable_schedule(master, agent, "health check timed out");
        }
    }
    /* Also while it waits to become unreachable: an answer still saves it. */
    ping(master, agent);
}

void master_observer_returned(struct agent *agent)
{
    agent->awaits_pong = false;
}

bool master_observer_is(struct slice id)
{
    return slice_starts_with(id, SLICE(OBSERVER_PREFIX));
}

void master_observer_pong(struct master *master, const struct upid *from, const char *to)
{
    char pid[UPID_TEXT_SIZE];
    upid_format(from, pid);
    struct map_link *link = map_find(&master->agents_by_pid, slice_from(pid));
    if (link == NULL) {
        return;
    }
    struct agent *agent = CONTAINER_OF(link, struct agent, by_pid);
    char expected[UPID_ID_SIZE_MAX + 1];
    snprintf(expected, sizeof(expected), OBSERVER_PREFIX "%llu)",
             (unsigned long long)agent->observer);
    if (agent->state != AGENT_REGISTERED || !slice_is(slice_from(to), expected)) {
        return;
    }
    agent->awaits_pong = false;
    agent->missed_pings = 0;
    master_unreachable_cancel(master, agent);
}
