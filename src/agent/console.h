/*
 * Consoles: the stdin, stdout and stderr of containers that clients hold in their hands
 * (LAUNCH_NESTED_CONTAINER_SESSION), and the clients who attach to them (ATTACH_CONTAINER_OUTPUT,
 * ATTACH_CONTAINER_INPUT).
 *
 * The shell owns the pipes or the terminal: output comes as AGENT_OUTPUT, input goes as
 * AGENT_ASK_INPUT. A console is there from the launch of its container to its end. Output goes to
 * every client that is attached at that moment. When the client of the session itself goes, the
 * container is destroyed.
 */
#ifndef TEPUI_AGENT_CONSOLE_H
#define TEPUI_AGENT_CONSOLE_H

#include "agent/agent.h"
#include "common/timers.h"
#include "wire/recordio.h"

struct agent_container;
struct operator_call;

/* Consoles, and clients of one console's output. */
#define CONSOLES_MAX 1000
#define CONSOLE_CLIENTS_MAX 100
/* Requests of ATTACH_CONTAINER_INPUT at a time, and the size of one record in them. */
#define CONSOLE_INPUTS_MAX 1000
#define CONSOLE_RECORD_SIZE_MAX (4u << 20)
/* How long input may still come after the end before its request is answered. */
#define CONSOLE_INPUT_LINGER_NS NS_PER_SEC

struct console_client {
    struct list link;
    uint64_t handle;
    bool json; /* form of its records */
};

struct console {
    struct list link; /* in the agent */
    struct agent *agent;
    struct agent_container *container;
    struct console_client session; /* who launched it; handle 0 = gone. In clients once it runs */
    bool session_streams;          /* its answer is framed as a stream */
    struct list clients;           /* of struct console_client */
    size_t client_count;
    struct console_input *input; /* who is attached, or NULL */
    struct timer heartbeat_timer;
};

/* A request of ATTACH_CONTAINER_INPUT. */
struct console_input {
    struct list link; /* in the agent */
    struct agent *agent;
    uint64_t handle;
    struct console *console; /* NULL = not named yet, or it is gone */
    bool is_named;           /* the first record was read */
    bool is_answered;
    bool json; /* form of its records */
    struct recordio_reader reader;
    struct timer timer; /* after the end of the container */
};

/* Of a container that is being launched for a call; streams: the answer is framed. */
struct console *console_new(struct agent *agent, struct agent_container *container,
                            const struct operator_call *call);
/* The container has ended, or never was: all clients are told. NULL is fine. */
struct console *console_free(struct console *console);
/* It runs: the session's client gets its stream. */
void console_open(struct console *console);

void console_attach_output(struct agent *agent, const struct operator_call *call);
/* A request of records; its media types are checked. */
void console_input_begin(struct agent *agent, const struct net_request *request, bool json);

/* Events. */
void console_output(struct agent *agent, const struct agent_output *output);
void console_body(struct agent *agent, uint64_t handle, struct slice body, bool ended);
void console_gone(struct agent *agent, uint64_t handle);
void console_heartbeat(struct console *console);
void console_input_timeout(struct console_input *input);
void console_drop_all(struct agent *agent);

#endif
