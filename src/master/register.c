#include "master/register.h"

#include <ctype.h>
#include <string.h>

#include "master/master_state.h"
#include "master/pending.h"
#include "master/unreachable.h"
#include "resources/resource_validate.h"
#include "wire/message.h"

/* --- who is served --- */

/* Digits without a leading zero, then `end`. */
static bool parse_number(const char **at, char end, unsigned long *ret_number)
{
    const char *digits = *at;
    unsigned long number = 0;
    while (isdigit((unsigned char)**at) && *at - digits < 9) {
        number = number * 10 + (unsigned long)(**at - '0');
        (*at)++;
    }
    if (*at == digits || (*at - digits > 1 && digits[0] == '0')) {
        return false;
    }
    if (end != '\0') {
        if (**at != end) {
            return false;
        }
        (*at)++;
    }
    *ret_number = number;
    return true;
}

bool master_register_version_is_served(const char *version)
{
    unsigned long major;
    unsigned long minor;
    unsigned long patch;
    const char *at = version;
    if (!parse_number(&at, '.', &major) || !parse_number(&at, '.', &minor) ||
        !parse_number(&at, '\0', &patch)) {
        return false;
    }
    if (*at == '-' || *at == '+') {
        at += strspn(at, "-+.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
    }
    return *at == '\0' && major >= 1;
}

/* Refusals are silent: an agent asks again, and its tasks live on meanwhile. */
bool master_register_serves(struct master *master, const struct upid *from, const char *version,
                            const Pb__AgentInfo *info)
{
    const char *why = NULL;
    if (version == NULL || !master_register_version_is_served(version)) {
        why = "its version is none, or older than 1.0.0";
    } else if (info->domain != NULL && master->options.domain.data == NULL) {
        why = "it has a domain, and this master has none";
    } else if (info->domain == NULL && master->options.require_agent_domain) {
        why = "it has no domain, and this master requires one";
    }
    if (why != NULL) {
        char pid[UPID_TEXT_SIZE];
        upid_format(from, pid);
        master_log(master, LOG_LEVEL_WARNING, "Ignoring registration of agent at %s (%s): %s", pid,
                   info->hostname, why);
    }
    return why == NULL;
}

int master_register_validate(const Pb__AgentInfo *info, Pb__Resource *const *checkpointed,
                             size_t checkpointed_count, struct err *err)
{
    int r = 0;
    if (info->id != NULL) {
        r = resource_validate_id(slice_from(info->id->value), err);
    }
    if (r == 0) {
        r = resource_validate_all(info->resources, info->n_resources, err);
    }
    if (r == 0) {
        r = resource_validate_all(checkpointed, checkpointed_count, err);
    }
    return r;
}

void master_register_shut_down(struct master *master, const struct upid *agent, const char *why)
{
    Pb__Internal__ShutdownMessage message = PB__INTERNAL__SHUTDOWN_MESSAGE__INIT;
    char pid[UPID_TEXT_SIZE];
    upid_format(agent, pid);
    message.message = (char *)(uintptr_t)why;
    MASTER_SEND(master, agent, "ShutdownMessage", &message);
    master_log(master, LOG_LEVEL_WARNING, "Telling the agent at %s to shut down: %s", pid, why);
}

/* --- registering --- */

static void confirm(struct master *master, const struct agent *agent)
{
    Pb__Internal__SlaveRegisteredMessage message = PB__INTERNAL__SLAVE_REGISTERED_MESSAGE__INIT;
    Pb__Internal__MasterSlaveConnection connection = PB__INTERNAL__MASTER_SLAVE_CONNECTION__INIT;
    Pb__AgentID id = PB__AGENT_ID__INIT;
    id.value = agent->id->data;
    connection.has_total_ping_timeout_seconds = true;
    connection.total_ping_timeout_seconds = master_agent_ping_timeout_seconds(master);
    message.slave_id = &id;
    message.connection = &connection;
    MASTER_SEND(master, &agent->upid, "SlaveRegisteredMessage", &message);
}

/* Whoever is at the pid already: true if the registration ends with that. */
static bool handle_same_pid(struct master *master, const struct upid *from)
{
    char pid[UPID_TEXT_SIZE];
    upid_format(from, pid);
    struct map_link *link = map_find(&master->agents_by_pid, slice_from(pid));
    if (link == NULL) {
        return false;
    }
    struct agent *agent = CONTAINER_OF(link, struct agent, by_pid);
    if (agent->state == AGENT_ADMITTING) {
        return true; /* it asks again while the registry is asked */
    }
    if (agent->connected) {
        confirm(master, agent); /* the answer was lost */
        return true;
    }
    /* A new agent in the place of one that was cut off. */
    map_remove(&master->agents_by_pid, &agent->by_pid);
    agent->in_pid_map = false;
    master_register_remove(master, agent, "a new agent registered at the same address",
                           COUNTER_SLAVE_REMOVALS_REGISTERED);
    return false;
}

void master_register_agent(struct master *master, const struct upid *from,
                           const Pb__Internal__RegisterSlaveMessage *message)
{
    struct err err;
    master_count(master, COUNTER_MESSAGES_REGISTER_SLAVE);
    if (master_register_validate(message->slave, message->checkpointed_resources,
                                 message->n_checkpointed_resources, &err) != 0) {
        master_log(master, LOG_LEVEL_WARNING, "Dropping invalid registration of an agent: %s",
                   err.text);
        return;
    }
    if (master_machine_refuses(master, from, message->slave->hostname) ||
        !master_register_serves(master, from, message->version, message->slave) ||
        handle_same_pid(master, from)) {
        return;
    }
    if (master->agents.count >= master->options.max_agents) {
        master_log(master, LOG_LEVEL_WARNING, "Ignoring a new agent: there are too many");
        return;
    }

    Pb__AgentInfo *info = message->slave;
    Pb__AgentID id = PB__AGENT_ID__INIT;
    id.value = arena_printf(&master->arena, "%s-S%llu", master->id,
                            (unsigned long long)master->next_agent++);
    info->id = &id;
    resource_pb_upgrade_all(&info->base, &master->arena);
    struct resources checkpointed = RESOURCES_INIT;
    resources_add_pb(&checkpointed, message->checkpointed_resources,
                     message->n_checkpointed_resources, &master->kinds);
    struct agent_self self = {
        .info = info,
        .checkpointed = &checkpointed,
        .version = message->version,
        .capabilities =
            master_agent_capabilities(message->agent_capabilities, message->n_agent_capabilities),
    };
    self.has_resource_version =
        message->resource_version_uuid != NULL &&
        uuid_from_bytes(message_bytes(message->resource_version_uuid->value),
                        &self.resource_version);
    struct blob *agent_id = blob_from(slice_from(id.value));
    struct agent *agent = master_agent_new(master, agent_id, AGENT_ADMITTING);
    blob_unref(agent_id);
    master_agent_set_upid(master, agent, from);
    master_agent_describe(master, agent, &self);
    resources_deinit(&checkpointed);
    master_pending_ask(master, REGISTRY_ADMIT_AGENT, agent->id, blob_ref(agent->info));
}

void master_register_admitted(struct master *master, const struct pending *pending, bool applied)
{
    struct agent *agent = master_find_agent(master, blob_slice(pending->agent_id));
    ASSERT(agent != NULL && agent->state == AGENT_ADMITTING);
    if (!applied) {
        /* The id is taken: the agent asks again, and is given another. */
        master_agent_drop(master, agent);
        return;
    }
    master_count(master, COUNTER_SLAVE_REGISTRATIONS);
    master_agent_register(master, agent, NULL, 0);
    confirm(master, agent);
    master_log(master, LOG_LEVEL_INFO, "Registered agent %s at %s (%s) with %s", agent->id->data,
               agent->pid, agent->hostname, resources_text(&agent->total, &master->arena));
    master_machine_check(master, agent);
}

/* --- leaving --- */

void master_register_remove(struct master *master, struct agent *agent, const char *why,
                            int counter)
{
    if (agent->transition != AGENT_SETTLED) {
        return; /* it is about to leave in another way */
    }
    master_unreachable_cancel(master, agent);
    agent->transition = AGENT_REMOVING;
    struct pending *pending = master_pending_ask(master, REGISTRY_REMOVE_AGENT, agent->id, NULL);
    pending->why = why;
    pending->counter = counter;
}

void master_register_removed(struct master *master, const struct pending *pending, bool applied)
{
    struct agent *agent = master_find_registered(master, blob_slice(pending->agent_id));
    if (agent == NULL || !applied) {
        return;
    }
    master_log(master, LOG_LEVEL_INFO, "Removed agent %s (%s): %s", agent->id->data,
               agent->hostname, pending->why);
    master_count(master, COUNTER_SLAVE_REMOVALS);
    if (pending->counter != REGISTER_UNCOUNTED) {
        master_count(master, (enum master_counter)pending->counter);
    }
    master_agent_remove(master, agent,
                        &(struct agent_end){
                            .message = arena_printf(&master->arena, "Agent %s removed: %s",
                                                    agent->hostname, pending->why),
                        });
}

void master_register_unregister(struct master *master, const struct upid *from,
                                const Pb__Internal__UnregisterSlaveMessage *message)
{
    master_count(master, COUNTER_MESSAGES_UNREGISTER_SLAVE);
    struct agent *agent = master_find_registered(master, slice_from(message->slave_id->value));
    if (agent == NULL || !upid_equal(&agent->upid, from)) {
        return;
    }
    master_register_remove(master, agent, "the agent unregistered",
                           COUNTER_SLAVE_REMOVALS_UNREGISTERED);
}
