#include "agent/operator_containers.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "agent/console.h"
#include "agent/core.h"
#include "agent/endpoints.h"
#include "agent/environment.h"
#include "agent/executor.h"
#include "agent/messages.h"
#include "common/xalloc.h"
#include "resources/resource_pb.h"
#include "resources/resource_validate.h"

/* The four calls come in two wordings each; this is what they have in common. */
struct wording {
    const char *name; /* of the message, for errors */
    bool deprecated;  /* ..._NESTED_CONTAINER */
    bool is_session;
    const Pb__ContainerID *id;
    const Pb__CommandInfo *command;
    const Pb__ContainerInfo *container;
    Pb__Resource **resources;
    size_t resource_count;
    const void *limits;
    size_t limit_count;
    bool has_signal;
    int signal;
};

/* The path of the call's container; false after an answer. */
static bool read_path(struct agent *agent, const struct operator_call *call,
                      const struct wording *wording, char path[CONTAINER_PATH_SIZE])
{
    if (!agent_container_path(wording->id, path)) {
        operator_fail(agent, call, 400,
                      "Failed to validate agent::Call: '%s.container_id' is invalid",
                      wording->name);
        return false;
    }
    if (wording->deprecated && wording->id->parent == NULL) {
        operator_fail(agent, call, 400,
                      "Failed to validate agent::Call: Expecting '%s.container_id.parent' to be "
                      "present",
                      wording->name);
        return false;
    }
    return true;
}

/* --- launch --- */

static struct wording launch_wording(const Pb__Agent__Call *call)
{
    if (call->launch_container != NULL && call->type == PB__AGENT__CALL__TYPE__LAUNCH_CONTAINER) {
        const Pb__Agent__Call__LaunchContainer *c = call->launch_container;
        return (struct wording){.name = "launch_container",
                                .id = c->container_id,
                                .command = c->command,
                                .container = c->container,
                                .resources = c->resources,
                                .resource_count = c->n_resources,
                                .limits = c->limits,
                                .limit_count = c->n_limits};
    }
    if (call->type == PB__AGENT__CALL__TYPE__LAUNCH_NESTED_CONTAINER_SESSION) {
        const Pb__Agent__Call__LaunchNestedContainerSession *c =
            call->launch_nested_container_session;
        return (struct wording){.name = "launch_nested_container_session",
                                .deprecated = true,
                                .is_session = true,
                                .id = c->container_id,
                                .command = c->command,
                                .container = c->container};
    }
    const Pb__Agent__Call__LaunchNestedContainer *c = call->launch_nested_container;
    return (struct wording){.name = "launch_nested_container",
                            .deprecated = true,
                            .id = c->container_id,
                            .command = c->command,
                            .container = c->container};
}

/* Whether it shares its parent's cgroups, and whether that was said. */
static bool shares_cgroups(const struct wording *w, bool *ret_said)
{
    const Pb__LinuxInfo *linux_info = w->container != NULL ? w->container->linux_info : NULL;
    *ret_said = linux_info != NULL && linux_info->has_share_cgroups;
    return *ret_said ? linux_info->share_cgroups : true;
}

/* What is wrong with a launch, or NULL (the reference's rules and words). */
static const char *check_launch(struct agent *agent, const struct wording *w)
{
    struct err err = {""};
    bool said;
    bool shares = shares_cgroups(w, &said);
    bool is_twice_nested = w->id->parent != NULL && w->id->parent->parent != NULL;
    if (resource_validate_all(w->resources, w->resource_count, &err) != 0) {
        return arena_printf(&agent->arena, "Invalid resources: %s", err.text);
    }
    if (is_twice_nested && w->resource_count > 0) {
        return "'launch_container' is invalid: containers nested at the second level or greater "
               "cannot specify resources";
    }
    if (is_twice_nested && w->limit_count > 0) {
        return "'launch_container' is invalid: containers nested at the second level or greater "
               "cannot specify resource limits";
    }
    if (is_twice_nested && !shares) {
        return "'launch_container' is invalid: containers nested at the second level or greater "
               "cannot set 'share_cgroups' to 'false'";
    }
    if (w->id->parent != NULL) {
        return NULL;
    }
    if (said && shares) {
        return "'launch_container' is invalid: containers without a parent cannot set "
               "'share_cgroups' to 'true'";
    }
    struct resources all = RESOURCES_INIT;
    resources_add_pb(&all, w->resources, w->resource_count, NULL);
    const char *wrong = NULL;
    for (uint32_t i = 0; i < all.count && wrong == NULL; i++) {
        const struct resource *r = &all.items[i];
        if (resource_is_persistent_volume(r)) {
            wrong = "'launch_container.resources' may not use persistent volumes";
        } else if (resource_is_reserved(r)) {
            wrong = "'launch_container.resources' must be unreserved";
        } else if (r->kind->is_revocable) {
            wrong = "'launch_container.resources' must be non-revocable";
        }
    }
    resources_deinit(&all);
    return wrong;
}

static struct container_spec *make_spec(const struct wording *w,
                                        const struct agent_container *container, const char *user)
{
    struct container_spec *spec = xalloc(sizeof(*spec));
    Pb__CommandInfo none = PB__COMMAND_INFO__INIT;
    const Pb__CommandInfo *command = w->command != NULL ? w->command : &none;
    struct amounts amounts;
    bool said;
    amounts_init(&amounts);
    amounts_add_resources(&amounts, w->resources, w->resource_count);
    amounts_set_limits(&amounts, w->limits, w->limit_count);
    spec->command = message_encode_blob(&command->base);
    spec->container_info = w->container != NULL ? message_encode_blob(&w->container->base) : NULL;
    environment_set(spec, "MESOS_SANDBOX", container->directory);
    environment_set_all(spec, command->environment);
    environment_finish(spec);
    spec->directory = xstrdup(container->directory);
    spec->user = user != NULL ? xstrdup(user) : NULL;
    spec->cpus_milli = amounts.cpus_milli;
    spec->mem_bytes = amounts.mem_bytes;
    spec->cpus_limit_milli = MAX(amounts.cpus_limit_milli, 0);
    spec->mem_limit_bytes = MAX(amounts.mem_limit_bytes, 0);
    spec->share_cgroups = w->id->parent != NULL && shares_cgroups(w, &said);
    spec->checkpoint = container->executor != NULL ? container->executor->checkpoint : true;
    spec->standalone = container->kind == AGENT_CONTAINER_STANDALONE;
    spec->fetch_owner = user != NULL ? xstrdup(user) : NULL;
    spec->fetch_command = blob_ref(spec->command);
    spec->debug = spec->attached = w->is_session;
    spec->tty = w->is_session && w->container != NULL && w->container->tty_info != NULL;
    return spec;
}

static struct agent_container *make_container(struct agent *agent, const char *path,
                                              struct agent_container *parent, bool is_session)
{
    struct arena *arena = &agent->arena;
    if (parent == NULL) {
        return agent_container_new(agent, path, AGENT_CONTAINER_STANDALONE, NULL,
                                   paths_standalone(arena, agent->setup.config.work_dir, path));
    }
    const char *directory =
        is_session ? parent->directory : agent_container_nested_directory(agent, path);
    struct agent_container *container =
        agent_container_new(agent, path, AGENT_CONTAINER_NESTED, parent->root, directory);
    container->is_debug = is_session;
    return container;
}

/* The parent of a nested container's path, or NULL. */
static struct agent_container *find_parent(struct agent *agent, const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot != NULL ? agent_container_find(
                             agent, arena_strndup(&agent->arena, path, (size_t)(dot - path)))
                       : NULL;
}

/* An executor that has subscribed runs, even if the report of that is still on its way to us. */
static bool runs(const struct agent_container *container)
{
    return container->state == AGENT_CONTAINER_RUNNING ||
           (container->state == AGENT_CONTAINER_LAUNCHING &&
            container->kind == AGENT_CONTAINER_EXECUTOR &&
            container->executor->state == EXECUTOR_RUNNING);
}

void operator_launch_container(struct agent *agent, const struct operator_call *call)
{
    struct wording w = launch_wording(call->call);
    char path[CONTAINER_PATH_SIZE];
    if (!read_path(agent, call, &w, path)) {
        return;
    }
    const char *wrong = check_launch(agent, &w);
    if (wrong != NULL) {
        operator_fail(agent, call, 400, "Failed to validate agent::Call: %s", wrong);
        return;
    }
    struct agent_container *known = agent_container_find(agent, path);
    if (known != NULL && known->kind == AGENT_CONTAINER_STANDALONE &&
        known->state == AGENT_CONTAINER_ENDED) {
        agent_container_free_tree(agent, known);
    } else if (known != NULL) {
        net_respond(&agent->effects->net, call->handle, 202, NULL, NULL);
        return;
    }
    struct agent_container *parent = NULL;
    if (w.id->parent != NULL) {
        parent = find_parent(agent, path);
        if (parent == NULL || !runs(parent) || parent->directory == NULL ||
            (w.is_session && parent->executor == NULL)) {
            operator_fail(agent, call, 400, "Parent container of %s does not exist", path);
            return;
        }
    }
    if (agent->containers.count >= AGENT_CONTAINERS_MAX ||
        (w.is_session && agent->console_count >= CONSOLES_MAX)) {
        operator_fail(agent, call, 503, "There are too many containers");
        return;
    }
    const char *user = NULL;
    if (agent->setup.config.switch_user) {
        user = w.command != NULL && w.command->user != NULL ? w.command->user
               : parent != NULL && parent->executor != NULL ? parent->executor->user
                                                            : NULL;
    }
    struct agent_container *container = make_container(agent, path, parent, w.is_session);
    container->spec = make_spec(&w, container, user);
    container->launch_handle = call->handle;
    if (w.is_session) {
        console_new(agent, container, call);
    }
    agent_container_launch(agent, container, user);
}

void operator_answer_launch(struct agent *agent, struct agent_container *container, const char *why)
{
    uint64_t handle = container->launch_handle;
    container->launch_handle = 0;
    if (handle == 0) {
        return;
    }
    if (why == NULL && container->console != NULL) {
        console_open(container->console);
    } else if (why == NULL) {
        net_respond(&agent->effects->net, handle, 200, NULL, NULL);
    } else {
        net_respond_text(&agent->effects->net, handle, 400, "%s", why);
    }
}

/* --- wait --- */

static void respond_end(struct agent *agent, const struct agent_container_waiter *waiter,
                        const struct agent_container_end *end)
{
    struct arena *arena = &agent->arena;
    Pb__Agent__Response *response = MESSAGE_NEW(Pb__Agent__Response, pb__agent__response, arena);
    /* Both wordings have the same fields; one is filled, and copied where the other is asked for.
     */
    Pb__Agent__Response__WaitContainer *wait =
        MESSAGE_NEW(Pb__Agent__Response__WaitContainer, pb__agent__response__wait_container, arena);
    wait->has_exit_status = end->has_status;
    wait->exit_status = end->status;
    wait->has_state = end->has_state;
    wait->state = end->state;
    wait->has_reason = end->has_reason;
    wait->reason = end->reason;
    wait->message = end->message;
    if (end->limitation != NULL) {
        wait->limitation = MESSAGES_READ(Pb__TaskResourceLimitation, pb__task_resource_limitation,
                                         end->limitation, arena);
    }
    response->has_type = 1;
    if (waiter->deprecated) {
        Pb__Agent__Response__WaitNestedContainer *nested =
            MESSAGE_NEW(Pb__Agent__Response__WaitNestedContainer,
                        pb__agent__response__wait_nested_container, arena);
        nested->has_exit_status = wait->has_exit_status;
        nested->exit_status = wait->exit_status;
        nested->has_state = wait->has_state;
        nested->state = wait->state;
        nested->has_reason = wait->has_reason;
        nested->reason = wait->reason;
        nested->limitation = wait->limitation;
        nested->message = wait->message;
        response->type = PB__AGENT__RESPONSE__TYPE__WAIT_NESTED_CONTAINER;
        response->wait_nested_container = nested;
    } else {
        response->type = PB__AGENT__RESPONSE__TYPE__WAIT_CONTAINER;
        response->wait_container = wait;
    }
    operator_respond(agent, waiter->handle, waiter->json, response);
}

void operator_answer_wait(struct agent *agent, const struct agent_container_waiter *waiter,
                          const struct agent_container *container)
{
    if (container->state == AGENT_CONTAINER_ENDED) {
        respond_end(agent, waiter, &container->end);
    } else {
        net_respond_text(&agent->effects->net, waiter->handle, 404, "Container %s cannot be found",
                         container->path);
    }
}

void operator_wait_container(struct agent *agent, const struct operator_call *call)
{
    const Pb__Agent__Call *message = call->call;
    bool deprecated = message->type == PB__AGENT__CALL__TYPE__WAIT_NESTED_CONTAINER;
    struct wording w = {
        .name = deprecated ? "wait_nested_container" : "wait_container",
        .deprecated = deprecated,
        .id = deprecated ? message->wait_nested_container->container_id
                         : message->wait_container->container_id,
    };
    char path[CONTAINER_PATH_SIZE];
    if (!read_path(agent, call, &w, path)) {
        return;
    }
    struct agent_container *container = agent_container_find(agent, path);
    if (container == NULL) {
        operator_fail(agent, call, 404, "Container %s cannot be found", path);
        return;
    }
    struct agent_container_waiter *waiter = xalloc(sizeof(*waiter));
    waiter->handle = call->handle;
    waiter->json = call->json;
    waiter->deprecated = deprecated;
    if (container->state == AGENT_CONTAINER_ENDED) {
        operator_answer_wait(agent, waiter, container);
        free(waiter);
        return;
    }
    if (container->waiter_count >= AGENT_CONTAINER_WAITERS_MAX) {
        operator_fail(agent, call, 503, "Too many wait for container %s", path);
        free(waiter);
        return;
    }
    container->waiter_count++;
    list_push_back(&container->waiters, &waiter->link);
}

/* --- kill and remove --- */

void operator_kill_container(struct agent *agent, const struct operator_call *call)
{
    const Pb__Agent__Call *message = call->call;
    bool deprecated = message->type == PB__AGENT__CALL__TYPE__KILL_NESTED_CONTAINER;
    const Pb__Agent__Call__KillNestedContainer *nested = message->kill_nested_container;
    const Pb__Agent__Call__KillContainer *kill = message->kill_container;
    struct wording w = {
        .name = deprecated ? "kill_nested_container" : "kill_container",
        .deprecated = deprecated,
        .id = deprecated ? nested->container_id : kill->container_id,
        .has_signal = deprecated ? nested->has_signal : kill->has_signal,
        .signal = deprecated ? nested->signal : kill->signal,
    };
    char path[CONTAINER_PATH_SIZE];
    if (!read_path(agent, call, &w, path)) {
        return;
    }
    const struct agent_container *container = agent_container_find(agent, path);
    if (container == NULL || container->state == AGENT_CONTAINER_ENDED) {
        operator_fail(agent, call, 404, "Container '%s' cannot be found (or is already killed)",
                      path);
        return;
    }
    struct container_request *request =
        container_request_add(&agent->effects->containers, CONTAINER_KILL, path);
    request->signal = w.has_signal ? w.signal : SIGKILL;
    operator_respond_ok(agent, call);
}

void operator_remove_container(struct agent *agent, const struct operator_call *call)
{
    const Pb__Agent__Call *message = call->call;
    bool deprecated = message->type == PB__AGENT__CALL__TYPE__REMOVE_NESTED_CONTAINER;
    struct wording w = {
        .name = deprecated ? "remove_nested_container" : "remove_container",
        .deprecated = deprecated,
        .id = deprecated ? message->remove_nested_container->container_id
                         : message->remove_container->container_id,
    };
    char path[CONTAINER_PATH_SIZE];
    if (!read_path(agent, call, &w, path)) {
        return;
    }
    struct agent_container *container = agent_container_find(agent, path);
    if (container == NULL &&
        (w.id->parent != NULL || agent->containers.count >= AGENT_CONTAINERS_MAX)) {
        operator_respond_ok(agent, call); /* nothing is left of it, as far as is known */
        return;
    }
    if (container == NULL) { /* perhaps the sandbox of a standalone one is */
        container = make_container(agent, path, NULL, false);
        agent_container_forget_later(agent, container);
    }
    if (container->state != AGENT_CONTAINER_ENDED) {
        operator_fail(agent, call, 500, "Container %s has not terminated", path);
        return;
    }
    if (container->remove_handle != 0) {
        operator_respond_ok(agent, call);
        return;
    }
    struct container_request *request =
        container_request_add(&agent->effects->containers, CONTAINER_REMOVE, path);
    request->token = container->remove_token = agent_token(agent);
    container->remove_handle = call->handle;
}

void operator_answer_remove(struct agent *agent, struct agent_container *container, int status,
                            const char *why)
{
    uint64_t handle = container->remove_handle;
    container->remove_handle = 0;
    if (handle == 0) {
        return;
    }
    if (status == 0) {
        net_respond(&agent->effects->net, handle, 200, NULL, NULL);
    } else {
        net_respond_text(&agent->effects->net, handle, 500, "%s",
                         why != NULL ? why : strerror(-status));
    }
}
