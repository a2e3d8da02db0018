#include "agent/console.h"

#include <errno.h>
#include <stdlib.h>

#include "agent/agent_container.h"
#include "agent/core.h"
#include "agent/endpoints.h"
#include "agent/messages.h"
#include "agent/operator_api.h"
#include "common/xalloc.h"
#include "wire/json.h"

/* --- output --- */

static void put_record(const ProtobufCMessage *message, bool json, struct buf *out)
{
    CLEANUP(buf_deinit) struct buf record = BUF_INIT;
    if (json) {
        json_print_message(message, JSON_V1, &record);
    } else {
        message_encode(message, &record);
    }
    recordio_put(out, buf_slice(&record));
}

/* To every client; each form is made once. */
static void send_all(struct console *console, const Pb__Agent__ProcessIO *message)
{
    struct blob *forms[2] = {NULL, NULL};
    struct console_client *client;
    LIST_FOR_EACH (client, &console->clients, link) {
        struct blob **form = &forms[client->json];
        if (*form == NULL) {
            struct buf out = BUF_INIT;
            put_record(&message->base, client->json, &out);
            *form = blob_take(&out);
        }
        net_stream_write(&console->agent->effects->net, client->handle, blob_ref(*form));
    }
    blob_unref(forms[0]);
    blob_unref(forms[1]);
}

static void set_heartbeat_timer(struct console *console)
{
    timers_set(&console->agent->timers, &console->heartbeat_timer,
               time_add_ns(console->agent->now.mono_ns,
                           console->agent->setup.config.http_heartbeat_interval_ns));
}

void console_heartbeat(struct console *console)
{
    Pb__Agent__ProcessIO message = PB__AGENT__PROCESS_IO__INIT;
    Pb__Agent__ProcessIO__Control control = PB__AGENT__PROCESS_IO__CONTROL__INIT;
    Pb__Agent__ProcessIO__Control__Heartbeat heartbeat =
        PB__AGENT__PROCESS_IO__CONTROL__HEARTBEAT__INIT;
    Pb__DurationInfo interval = PB__DURATION_INFO__INIT;
    interval.nanoseconds = console->agent->setup.config.http_heartbeat_interval_ns;
    heartbeat.interval = &interval;
    control.has_type = 1;
    control.type = PB__AGENT__PROCESS_IO__CONTROL__TYPE__HEARTBEAT;
    control.heartbeat = &heartbeat;
    message.has_type = 1;
    message.type = PB__AGENT__PROCESS_IO__TYPE__CONTROL;
    message.control = &control;
    send_all(console, &message);
    set_heartbeat_timer(console);
}

void console_output(struct agent *agent, const struct agent_output *output)
{
    struct agent_container *container = agent_container_find(agent, output->path);
    if (container == NULL || container->console == NULL) {
        return;
    }
    Pb__Agent__ProcessIO message = PB__AGENT__PROCESS_IO__INIT;
    Pb__Agent__ProcessIO__Data data = PB__AGENT__PROCESS_IO__DATA__INIT;
    data.has_type = 1;
    data.type = output->is_error ? PB__AGENT__PROCESS_IO__DATA__TYPE__STDERR
                                 : PB__AGENT__PROCESS_IO__DATA__TYPE__STDOUT;
    data.has_data = 1;
    data.data.len = output->bytes.size;
    data.data.data = (uint8_t *)(uintptr_t)output->bytes.data;
    message.has_type = 1;
    message.type = PB__AGENT__PROCESS_IO__TYPE__DATA;
    message.data = &data;
    send_all(container->console, &message);
}

/* --- clients --- */

static void add_client(struct console *console, struct console_client *client, bool streams)
{
    struct agent *agent = console->agent;
    const char *form = client->json ? MEDIA_JSON : MEDIA_PROTOBUF;
    struct net_effect *effect =
        net_stream_open(&agent->effects->net, client->handle, streams ? MEDIA_RECORDIO : form);
    if (streams) {
        net_add_header(effect, "Message-Content-Type", form);
    }
    list_push_back(&console->clients, &client->link);
    console->client_count++;
}

struct console *console_new(struct agent *agent, struct agent_container *container,
                            const struct operator_call *call)
{
    struct console *console = xalloc(sizeof(*console));
    console->agent = agent;
    console->container = container;
    console->session = (struct console_client){.handle = call->handle, .json = call->json};
    console->session_streams = call->stream;
    list_init(&console->clients);
    timer_init(&console->heartbeat_timer, TIMER_CONSOLE, console);
    list_push_back(&agent->consoles, &console->link);
    agent->console_count++;
    container->console = console;
    return console;
}

void console_open(struct console *console)
{
    if (console->session.handle != 0) {
        add_client(console, &console->session, console->session_streams);
        set_heartbeat_timer(console);
    }
}

static void remove_client(struct console *console, struct console_client *client)
{
    list_remove(&client->link);
    console->client_count--;
    if (client == &console->session) {
        client->handle = 0;
    } else {
        free(client);
    }
}

struct console *console_free(struct console *console)
{
    if (console == NULL) {
        return NULL;
    }
    struct agent *agent = console->agent;
    struct console_client *client;
    LIST_FOR_EACH (client, &console->clients, link) {
        net_stream_close(&agent->effects->net, client->handle);
        remove_client(console, client);
    }
    if (console->input != NULL) {
        console->input->console = NULL;
        timers_set(&agent->timers, &console->input->timer,
                   time_add_ns(agent->now.mono_ns, CONSOLE_INPUT_LINGER_NS));
    }
    timers_cancel(&agent->timers, &console->heartbeat_timer);
    list_remove(&console->link);
    agent->console_count--;
    console->container->console = NULL;
    free(console);
    return NULL;
}

/* The container of a call, with a console; NULL after an answer. */
static struct agent_container *find_container(struct agent *agent, uint64_t handle,
                                              const Pb__ContainerID *id)
{
    char path[CONTAINER_PATH_SIZE];
    struct agent_container *container = NULL;
    if (agent_container_path(id, path)) {
        container = agent_container_find(agent, path);
    }
    if (container == NULL || container->executor == NULL) {
        net_respond_text(&agent->effects->net, handle, 404, "Container %s cannot be found",
                         id->value);
        return NULL;
    }
    if (container->console == NULL) {
        net_respond_text(&agent->effects->net, handle, 500,
                         "Container %s has no input and output to attach to", path);
        return NULL;
    }
    return container;
}

void console_attach_output(struct agent *agent, const struct operator_call *call)
{
    const struct agent_container *container =
        find_container(agent, call->handle, call->call->attach_container_output->container_id);
    if (container == NULL) {
        return;
    }
    struct console *console = container->console;
    if (console->client_count >= CONSOLE_CLIENTS_MAX) {
        operator_fail(agent, call, 503, "Too many are attached to container %s", container->path);
        return;
    }
    struct console_client *client = xalloc(sizeof(*client));
    client->handle = call->handle;
    client->json = call->json;
    add_client(console, client, call->stream);
}

/* --- input --- */

static void input_free(struct console_input *input)
{
    if (input->console != NULL) {
        input->console->input = NULL;
    }
    timers_cancel(&input->agent->timers, &input->timer);
    recordio_reader_deinit(&input->reader);
    list_remove(&input->link);
    input->agent->input_count--;
    free(input);
}

static void fail_input(struct console_input *input, int status, const char *text)
{
    net_respond_text(&input->agent->effects->net, input->handle, status, "%s", text);
    input->is_answered = true;
}

/* The first record names the container. */
static void name_input(struct console_input *input, struct slice record)
{
    struct agent *agent = input->agent;
    const Pb__Agent__Call *call = operator_api_record(agent, input->handle, record, input->json);
    if (call == NULL) {
        input->is_answered = true;
        return;
    }
    const Pb__Agent__Call__AttachContainerInput *body = call->attach_container_input;
    if (body->type != PB__AGENT__CALL__ATTACH_CONTAINER_INPUT__TYPE__CONTAINER_ID) {
        fail_input(input, 400, "Expecting 'attach_container_input.type' to be CONTAINER_ID");
        return;
    }
    if (body->container_id == NULL) {
        fail_input(input, 400, "Expecting 'attach_container_input.container_id' to be present");
        return;
    }
    const struct agent_container *container =
        find_container(agent, input->handle, body->container_id);
    if (container == NULL) {
        input->is_answered = true;
        return;
    }
    if (container->console->input != NULL) {
        fail_input(input, 409, "Multiple input connections are not allowed");
        return;
    }
    input->is_named = true;
    input->console = container->console;
    container->console->input = input;
}

/* What is wrong with a later record, or NULL (the reference's words). */
static const char *check_control(const Pb__Agent__ProcessIO__Control *control)
{
    if (control == NULL) {
        return "Expecting 'process_io.control' to be present";
    }
    if (!control->has_type) {
        return "Expecting 'process_io.control.type' to be present";
    }
    if (control->type == PB__AGENT__PROCESS_IO__CONTROL__TYPE__TTY_INFO) {
        return control->tty_info == NULL ? "Expecting 'process_io.control.tty_info' to be present"
               : control->tty_info->window_size == NULL
                   ? "Expecting 'tty_info.window_size' to be present"
                   : NULL;
    }
    if (control->type == PB__AGENT__PROCESS_IO__CONTROL__TYPE__HEARTBEAT) {
        return control->heartbeat == NULL ? "Expecting 'process_io.control.heartbeat' to be present"
                                          : NULL;
    }
    return "'process_io.control.type' is unknown";
}

static const char *check_data(const Pb__Agent__ProcessIO__Data *data)
{
    if (data == NULL) {
        return "Expecting 'process_io.data' to be present";
    }
    if (!data->has_type) {
        return "Expecting 'process_io.data.type' to be present";
    }
    if (data->type != PB__AGENT__PROCESS_IO__DATA__TYPE__STDIN) {
        return "Expecting 'process_io.data.type' to be 'STDIN'";
    }
    return data->has_data ? NULL : "Expecting 'process_io.data.data' to be present";
}

static const char *check_input(const Pb__Agent__Call__AttachContainerInput *body)
{
    if (body->type != PB__AGENT__CALL__ATTACH_CONTAINER_INPUT__TYPE__PROCESS_IO) {
        return "Expecting 'attach_container_input.type' to be 'PROCESS_IO'";
    }
    if (body->process_io == NULL) {
        return "Expecting 'attach_container_input.process_io' to be present";
    }
    if (!body->process_io->has_type) {
        return "Expecting 'process_io.type' to be present";
    }
    if (body->process_io->type == PB__AGENT__PROCESS_IO__TYPE__CONTROL) {
        return check_control(body->process_io->control);
    }
    if (body->process_io->type == PB__AGENT__PROCESS_IO__TYPE__DATA) {
        return check_data(body->process_io->data);
    }
    return "'process_io.type' is unknown";
}

static void pass_input(struct console_input *input, struct slice record)
{
    struct agent *agent = input->agent;
    const Pb__Agent__Call *call = operator_api_record(agent, input->handle, record, input->json);
    if (call == NULL) {
        input->is_answered = true;
        return;
    }
    const char *wrong = check_input(call->attach_container_input);
    if (wrong != NULL) {
        fail_input(input, 400, wrong);
        return;
    }
    if (input->console == NULL) {
        return; /* nobody is there any more to read it */
    }
    const char *path = input->console->container->path;
    const Pb__Agent__ProcessIO *message = call->attach_container_input->process_io;
    if (message->type == PB__AGENT__PROCESS_IO__TYPE__DATA) {
        struct agent_ask *ask = agent_ask(agent, AGENT_ASK_INPUT, 0, path);
        ask->handle = input->handle;
        ask->bytes =
            blob_from(slice_make((const char *)message->data->data.data, message->data->data.len));
    } else if (message->control->type == PB__AGENT__PROCESS_IO__CONTROL__TYPE__TTY_INFO) {
        struct agent_ask *ask = agent_ask(agent, AGENT_ASK_WINDOW, 0, path);
        ask->rows = (uint16_t)message->control->tty_info->window_size->rows;
        ask->columns = (uint16_t)message->control->tty_info->window_size->columns;
    }
}

static bool on_record(void *arg, struct slice record)
{
    struct console_input *input = arg;
    if (input->is_named) {
        pass_input(input, record);
    } else {
        name_input(input, record);
    }
    arena_reset(&input->agent->input);
    return !input->is_answered;
}

/* More of the body. May free the input. */
static void feed(struct console_input *input, struct slice body, bool ended)
{
    struct err err = {""};
    int status = recordio_reader_feed(&input->reader, body, on_record, input, &err);
    if (status != 0 && status != -ECANCELED) {
        fail_input(input, 400, err.text);
    } else if (status == 0 && ended && !input->is_named) {
        fail_input(input, 400, "Received EOF while reading request body");
    } else if (status == 0 && ended) {
        net_respond(&input->agent->effects->net, input->handle, 200, NULL, NULL);
        input->is_answered = true;
    }
    if (input->is_answered) {
        input_free(input);
    }
}

void console_input_begin(struct agent *agent, const struct net_request *request, bool json)
{
    if (agent->input_count >= CONSOLE_INPUTS_MAX) {
        net_respond_text(&agent->effects->net, request->handle, 503,
                         "Too many are attached to the input of containers");
        return;
    }
    struct console_input *input = xalloc(sizeof(*input));
    input->agent = agent;
    input->handle = request->handle;
    input->json = json;
    recordio_reader_init(&input->reader, CONSOLE_RECORD_SIZE_MAX);
    timer_init(&input->timer, TIMER_CONSOLE_INPUT, input);
    list_push_back(&agent->inputs, &input->link);
    agent->input_count++;
    feed(input, request->body, !request->streaming);
}

static struct console_input *find_input(struct agent *agent, uint64_t handle)
{
    struct console_input *input;
    LIST_FOR_EACH (input, &agent->inputs, link) {
        if (input->handle == handle) {
            return input;
        }
    }
    return NULL;
}

void console_body(struct agent *agent, uint64_t handle, struct slice body, bool ended)
{
    struct console_input *input = find_input(agent, handle);
    if (input != NULL) {
        feed(input, body, ended);
    }
}

void console_input_timeout(struct console_input *input)
{
    net_respond(&input->agent->effects->net, input->handle, 200, NULL, NULL);
    input_free(input);
}

/* --- ends --- */

static void session_gone(struct console *console)
{
    struct agent *agent = console->agent;
    agent_log(agent, LOG_LEVEL_INFO, "the client of session %s has gone", console->container->path);
    container_request_add(&agent->effects->containers, CONTAINER_DESTROY, console->container->path);
}

void console_gone(struct agent *agent, uint64_t handle)
{
    struct console_input *input = find_input(agent, handle);
    if (input != NULL) {
        input_free(input);
        return;
    }
    struct console *console;
    LIST_FOR_EACH (console, &agent->consoles, link) {
        if (console->session.handle == handle) {
            if (console->container->launch_handle == handle) {
                console->container->launch_handle = 0;
                console->session.handle = 0;
            } else {
                remove_client(console, &console->session);
            }
            session_gone(console);
            return;
        }
        struct console_client *client;
        LIST_FOR_EACH (client, &console->clients, link) {
            if (client->handle == handle) {
                remove_client(console, client);
                return;
            }
        }
    }
}

void console_drop_all(struct agent *agent)
{
    struct console_input *input;
    LIST_FOR_EACH (input, &agent->inputs, link) {
        input_free(input);
    }
}
