#include "shell.h"

#include "../unit.h"

#include <errno.h>

#define WORK_DIR "/w"
#define STEPS_MAX 100000

/* --- the disk --- */

static struct slice disk_key(const struct map_link *link)
{
    return slice_from(CONTAINER_OF(link, struct disk_file, by_path)->path);
}

static struct disk_file *find_file(struct shell *shell, const char *path)
{
    struct map_link *link = map_find(&shell->disk_by_path, slice_from(path));
    return link != NULL ? CONTAINER_OF(link, struct disk_file, by_path) : NULL;
}

static void free_file(struct shell *shell, struct disk_file *file)
{
    map_remove(&shell->disk_by_path, &file->by_path);
    list_remove(&file->link);
    buf_deinit(&file->bytes);
    free(file->path);
    free(file);
}

static struct disk_file *add_file(struct shell *shell, enum tree_type type, const char *path)
{
    struct disk_file *file = find_file(shell, path);
    if (file == NULL) {
        const char *slash = strrchr(path, '/');
        if (slash != path) {
            add_file(shell, TREE_FOLDER,
                     arena_strndup(&shell->arena, path, (size_t)(slash - path)));
        }
        file = xalloc(sizeof(*file));
        file->path = xstrdup(path);
        list_push_back(&shell->disk, &file->link);
        map_add(&shell->disk_by_path, &file->by_path);
    }
    file->type = type;
    return file;
}

static void remove_tree(struct shell *shell, const char *path)
{
    size_t size = strlen(path);
    struct disk_file *file;
    LIST_FOR_EACH (file, &shell->disk, link) {
        if (strncmp(file->path, path, size) == 0 &&
            (file->path[size] == '\0' || file->path[size] == '/')) {
            free_file(shell, file);
        }
    }
}

/* What lies in a sandbox lies among folders of a user's: the store must know from where on. */
static void check_root(const struct store_op *op)
{
    const char *nested = strstr(op->path, "/containers/");
    if (strstr(op->path, "/runs/") == NULL || nested == NULL) {
        return;
    }
    size_t size = (size_t)(nested - op->path);
    assert_non_null(op->root);
    assert_int_equal(strlen(op->root), size);
    assert_memory_equal(op->root, op->path, size);
}

static int perform_op(struct shell *shell, const struct store_op *op)
{
    switch (op->type) {
    case STORE_REPLACE:
        buf_clear(&add_file(shell, TREE_FILE, op->path)->bytes);
        buf_append_slice(&find_file(shell, op->path)->bytes, blob_slice(op->bytes));
        return 0;
    case STORE_APPEND:
        buf_append_slice(&add_file(shell, TREE_FILE, op->path)->bytes, blob_slice(op->bytes));
        return 0;
    case STORE_TRUNCATE:
        find_file(shell, op->path)->bytes.size = op->size;
        return 0;
    case STORE_MKDIR:
        check_root(op);
        if (shell->fails_folders) {
            return -ENOSPC;
        }
        add_file(shell, TREE_FOLDER, op->path);
        return 0;
    case STORE_SYMLINK:
        buf_clear(&add_file(shell, TREE_LINK, op->path)->bytes);
        buf_append_text(&find_file(shell, op->path)->bytes, op->target);
        return 0;
    case STORE_REMOVE:
        check_root(op);
        if (shell->fails_removals) {
            return -EBUSY;
        }
        remove_tree(shell, op->path);
        if (op->keeps_folder) {
            add_file(shell, TREE_FOLDER, op->path);
        }
        return 0;
    case STORE_RENAME: {
        struct disk_file *from = find_file(shell, op->path);
        if (from == NULL) {
            return -ENOENT;
        }
        remove_tree(shell, op->target);
        struct disk_file *to = add_file(shell, from->type, op->target);
        buf_append_slice(&to->bytes, buf_slice(&from->bytes));
        remove_tree(shell, op->path);
        return 0;
    }
    case STORE_CHOWN:
        return 0;
    }
    return -EINVAL;
}

static int compare_files(const void *a, const void *b)
{
    /* '/' before everything else: a folder's content follows it at once. */
    const char *x = (*(struct disk_file *const *)a)->path;
    const char *y = (*(struct disk_file *const *)b)->path;
    while (*x != '\0' && *x == *y) {
        x++;
        y++;
    }
    int cx = *x == '/' ? 1 : (unsigned char)*x;
    int cy = *y == '/' ? 1 : (unsigned char)*y;
    return cx - cy;
}

/* What is below the root, not deeper than that. */
static void make_tree(struct shell *shell, const char *root, int depth_max, struct tree *tree)
{
    size_t count = 0;
    size_t size = strlen(root);
    struct disk_file *file;
    LIST_FOR_EACH (file, &shell->disk, link) {
        count++;
    }
    struct disk_file **files = arena_alloc_array(&shell->arena, count + 1, sizeof(files[0]));
    count = 0;
    LIST_FOR_EACH (file, &shell->disk, link) {
        int depth = 0;
        for (const char *c = file->path + size; strlen(file->path) > size && *c != '\0'; c++) {
            depth += *c == '/';
        }
        if (strncmp(file->path, root, size) == 0 && file->path[size] == '/' && depth <= depth_max) {
            files[count++] = file;
        }
    }
    qsort(files, count, sizeof(files[0]), compare_files);
    for (size_t i = 0; i < count; i++) {
        tree_add(tree, files[i]->type, files[i]->path + size + 1, buf_slice(&files[i]->bytes))
            ->mtime_ns = shell->now.wall_ns;
    }
}

const struct buf *shell_file(struct shell *shell, const char *path)
{
    const struct disk_file *file =
        find_file(shell, arena_printf(&shell->arena, "%s/%s", WORK_DIR, path));
    return file != NULL ? &file->bytes : NULL;
}

void shell_put_file(struct shell *shell, const char *path, const char *bytes, size_t size)
{
    const char *full = arena_printf(&shell->arena, "%s/%s", WORK_DIR, path);
    struct disk_file *file = add_file(shell, TREE_FILE, full);
    buf_clear(&file->bytes);
    buf_append(&file->bytes, bytes, size);
}

/* --- performing effects --- */

static void perform_store(struct shell *shell)
{
    struct store_op *op;
    while ((op = store_op_pop(&shell->effects.store)) != NULL) {
        if (shell->writes_left == 0) {
            store_op_free(op); /* the machine is dead */
            continue;
        }
        shell->writes_left -= shell->writes_left > 0;
        bool is_canceled = op->chained && shell->last_status != 0;
        int status = shell->last_status = is_canceled ? -ECANCELED : perform_op(shell, op);
        op->size = (uint64_t)(int64_t)status; /* kept until it is told */
        if (op->token == 0) {
            store_op_free(op);
        } else {
            list_push_back(&shell->held, &op->link);
        }
    }
}

static bool tell_stored(struct shell *shell)
{
    struct list *link = list_pop_front(&shell->held);
    if (link == NULL) {
        return false;
    }
    struct store_op *op = LIST_ENTRY(link, struct store_op, link);
    struct agent_event event = {.type = AGENT_STORED,
                                .stored = {op->token, (int)(int64_t)op->size}};
    store_op_free(op);
    agent_step(shell->agent, &event, shell->now, &shell->effects);
    return true;
}

static void perform_asks(struct shell *shell)
{
    struct agent_ask *ask;
    while ((ask = agent_ask_pop(&shell->effects)) != NULL) {
        struct agent_event event = {0};
        switch (ask->type) {
        case AGENT_ASK_USER:
            event.type = AGENT_USER;
            event.user = (struct agent_user_found){
                .name = ask->text, .found = strcmp(ask->text, "nobody-here") != 0, .uid = 7};
            agent_step(shell->agent, &event, shell->now, &shell->effects);
            break;
        case AGENT_ASK_DISK_USAGE:
            event.type = AGENT_DISK_USAGE;
            event.usage_ppm = shell->disk_usage_ppm;
            agent_step(shell->agent, &event, shell->now, &shell->effects);
            break;
        case AGENT_ASK_EXIT:
            shell->exit_status = ask->value;
            (void)snprintf(shell->exit_text, sizeof(shell->exit_text), "%s",
                           ask->text != NULL ? ask->text : "");
            break;
        case AGENT_ASK_LOG: {
            size_t used = strlen(shell->log);
            (void)snprintf(shell->log + used, sizeof(shell->log) - used, "%s\n", ask->text);
            break;
        }
        case AGENT_ASK_INPUT: {
            struct slice bytes = blob_slice(ask->bytes);
            size_t used = strlen(shell->input);
            (void)snprintf(shell->input + used, sizeof(shell->input) - used, "%.*s",
                           bytes.size > 0 ? (int)bytes.size : 5,
                           bytes.size > 0 ? bytes.data : "<end>");
            break;
        }
        case AGENT_ASK_WINDOW: {
            size_t used = strlen(shell->input);
            (void)snprintf(shell->input + used, sizeof(shell->input) - used, "<%dx%d>", ask->rows,
                           ask->columns);
            break;
        }
        case AGENT_ASK_REDETECT:
        case AGENT_ASK_VERBOSITY:
            break;
        }
        agent_ask_free(ask);
    }
}

static void tell_report(struct shell *shell, struct container_report *report)
{
    struct agent_event event = {.type = AGENT_CONTAINER, .container = report};
    agent_step(shell->agent, &event, shell->now, &shell->effects);
    container_report_free(report);
}

/* What containers do by themselves when the test does not hold them. */
static void answer_request(struct shell *shell, const struct container_request *request)
{
    struct container_report *report = NULL;
    switch (request->type) {
    case CONTAINER_LAUNCH:
        report = container_report_new(CONTAINER_LAUNCHED, request->path);
        report->pid = ++shell->next_pid;
        break;
    case CONTAINER_UPDATE:
    case CONTAINER_REMOVE:
        report = container_report_new(CONTAINER_UPDATED, request->path);
        report->token = request->token;
        break;
    case CONTAINER_RECOVER:
        if (request->path[0] == '\0') {
            report = container_report_new(CONTAINER_RECOVERED, "");
        }
        break;
    case CONTAINER_STATUS: {
        Pb__ContainerStatus status = PB__CONTAINER_STATUS__INIT;
        report = container_report_new(CONTAINER_STATUS_RESULT, request->path);
        report->token = request->token;
        report->message = message_encode_blob(&status.base);
        break;
    }
    case CONTAINER_USAGE: {
        Pb__ResourceStatistics statistics = PB__RESOURCE_STATISTICS__INIT;
        statistics.timestamp = 1;
        report = container_report_new(CONTAINER_USAGE_RESULT, request->path);
        report->token = request->token;
        report->message = message_encode_blob(&statistics.base);
        break;
    }
    case CONTAINER_KILL:
    case CONTAINER_DESTROY:
    case CONTAINER_WATCH_ONLY:
        break;
    }
    if (report != NULL) {
        tell_report(shell, report);
    }
}

static void perform_containers(struct shell *shell)
{
    struct container_request *request;
    while ((request = container_request_pop(&shell->effects.containers)) != NULL) {
        bool holds = shell->holds_containers &&
                     (request->type == CONTAINER_LAUNCH || request->type == CONTAINER_UPDATE);
        list_push_back(&shell->requests, &request->link);
        holds = holds || (shell->answers_no_usage &&
                          (request->type == CONTAINER_STATUS || request->type == CONTAINER_USAGE));
        if (!holds) {
            answer_request(shell, request);
        }
    }
}

static bool is_quiet(const struct shell *shell)
{
    return list_is_empty(&shell->effects.net.list) && list_is_empty(&shell->effects.store.list) &&
           list_is_empty(&shell->effects.containers.list) &&
           list_is_empty(&shell->effects.files.list) && list_is_empty(&shell->effects.asks) &&
           (shell->holds_store || list_is_empty(&shell->held));
}

static void perform(struct shell *shell)
{
    for (int i = 0; i < STEPS_MAX && !is_quiet(shell); i++) {
        perform_store(shell);
        if (!shell->holds_store) {
            (void)tell_stored(shell);
        }
        struct net_effect *effect;
        while ((effect = net_effects_pop(&shell->effects.net)) != NULL) {
            struct sent *sent = xalloc(sizeof(*sent));
            sent->effect = effect;
            list_push_back(&shell->sent, &sent->link);
        }
        struct file_request *request;
        while ((request = file_request_pop(&shell->effects.files)) != NULL) {
            list_push_back(&shell->files, &request->link);
        }
        perform_asks(shell);
        perform_containers(shell);
    }
    assert_true(is_quiet(shell));
    if (shell->exit_status < 0) {
        if (!shell->is_large) {
            agent_check(shell->agent);
        }
    }
}

void shell_step(struct shell *shell, const struct agent_event *event)
{
    agent_step(shell->agent, event, shell->now, &shell->effects);
    perform(shell);
}

void shell_release(struct shell *shell)
{
    while (tell_stored(shell)) {
    }
    perform(shell);
}

void shell_pass(struct shell *shell, int64_t ns)
{
    int64_t end_ns = shell->now.mono_ns + ns;
    for (int i = 0; i < STEPS_MAX; i++) {
        int64_t deadline_ns = agent_deadline(shell->agent);
        if (deadline_ns > end_ns) {
            break;
        }
        int64_t step_ns = MAX(deadline_ns - shell->now.mono_ns, 0);
        shell->now.mono_ns += step_ns;
        shell->now.wall_ns += step_ns;
        shell_step(shell, &(struct agent_event){.type = AGENT_WAKE});
    }
    shell->now.wall_ns += end_ns - shell->now.mono_ns;
    shell->now.mono_ns = end_ns;
}

/* --- life --- */

static void default_config(struct agent_config *config)
{
    *config = (struct agent_config){
        .seed = 1,
        .address = {.family = 4, .port = 5051, .ip = {127, 0, 0, 1}},
        .hostname = "host",
        .resources = "cpus:4;mem:1024;disk:1024;ports:[1-9]",
        .work_dir = WORK_DIR,
        .launcher_dir = "/libexec",
        .command_executor = "/libexec/tepui-executor",
        .default_executor = "/libexec/tepui-default-executor",
        .sandbox_directory = "/mnt/mesos/sandbox",
        .strict = true,
        .switch_user = true,
        .registration_backoff_factor_ns = NS_PER_SEC,
        .executor_registration_timeout_ns = NS_PER_MIN,
        .executor_reregistration_timeout_ns = 2 * NS_PER_SEC,
        .executor_shutdown_grace_period_ns = 5 * NS_PER_SEC,
        .recovery_timeout_ns = 15 * NS_PER_MIN,
        .gc_delay_ns = NS_PER_WEEK,
        .http_heartbeat_interval_ns = 30 * NS_PER_SEC,
        .disk_watch_interval_ns = NS_PER_MIN,
        .gc_disk_headroom_ppm = 100000,
        .max_completed_executors_per_framework = 150,
        .build = {.version = "1.12.0"},
    };
}

void shell_init(struct shell *shell)
{
    *shell = (struct shell){.exit_status = -1, .next_handle = 1, .next_pid = 1000};
    default_config(&shell->config);
    shell->boot_id = "boot-1";
    shell->disk_usage_ppm = 100000;
    shell->writes_left = -1;
    shell->now = (struct now){NS_PER_SEC, INT64_C(1800000000) * NS_PER_SEC};
    agent_effects_init(&shell->effects);
    arena_init(&shell->arena, 0);
    list_init(&shell->disk);
    map_init(&shell->disk_by_path, disk_key, 1);
    list_init(&shell->sent);
    list_init(&shell->requests);
    list_init(&shell->files);
    list_init(&shell->held);
}

void shell_forget(struct shell *shell)
{
    struct sent *sent;
    LIST_FOR_EACH (sent, &shell->sent, link) {
        net_effect_free(sent->effect);
        list_remove(&sent->link);
        free(sent);
    }
    struct list *link;
    while ((link = list_pop_front(&shell->requests)) != NULL) {
        container_request_free(LIST_ENTRY(link, struct container_request, link));
    }
}

void shell_stop(struct shell *shell)
{
    shell->agent = agent_free(shell->agent);
    shell_forget(shell);
    struct list *link;
    while ((link = list_pop_front(&shell->files)) != NULL) {
        file_request_free(LIST_ENTRY(link, struct file_request, link));
    }
    while ((link = list_pop_front(&shell->held)) != NULL) {
        store_op_free(LIST_ENTRY(link, struct store_op, link));
    }
}

void shell_deinit(struct shell *shell)
{
    shell_stop(shell);
    agent_effects_deinit(&shell->effects);
    struct disk_file *file;
    LIST_FOR_EACH (file, &shell->disk, link) {
        free_file(shell, file);
    }
    map_deinit(&shell->disk_by_path);
    arena_deinit(&shell->arena);
}

int shell_set_up(void **state)
{
    struct shell *shell = xalloc(sizeof(*shell));
    shell_init(shell);
    *state = shell;
    return 0;
}

int shell_tear_down(void **state)
{
    shell_deinit(*state);
    free(*state);
    return 0;
}

void shell_start(struct shell *shell)
{
    struct err err;
    shell->exit_status = -1;
    shell->config.seed++;
    assert_int_equal(agent_new(&shell->config, shell->now, &shell->agent, &err), 0);
    struct tree meta, sandboxes;
    tree_init(&meta);
    tree_init(&sandboxes);
    make_tree(shell, WORK_DIR "/meta", 100, &meta);
    make_tree(shell, WORK_DIR "/slaves", 3, &sandboxes);
    struct agent_event event = {.type = AGENT_RECOVERED};
    event.recovered = (struct agent_recovered){&meta, &sandboxes, shell->boot_id, NULL};
    shell_step(shell, &event);
    tree_deinit(&meta);
    tree_deinit(&sandboxes);
    struct agent_event detected = {.type = AGENT_MASTER};
    assert_true(upid_parse(slice_from(MASTER), &detected.master.pid));
    detected.master.has_agent_update = true;
    shell_step(shell, &detected);
}

void shell_register(struct shell *shell)
{
    shell_start(shell);
    shell_pass(shell, NS_PER_SEC);
    Pb__Internal__SlaveRegisteredMessage message = PB__INTERNAL__SLAVE_REGISTERED_MESSAGE__INIT;
    message.slave_id = messages_agent_id(AGENT_ID, &shell->arena);
    shell_tell(shell, "SlaveRegisteredMessage", &message);
    assert_string_equal(agent_state_name(shell->agent), "RUNNING");
    shell_forget(shell);
}

/* --- talking to it --- */

void shell_message(struct shell *shell, const char *from, const char *name,
                   const ProtobufCMessage *message)
{
    struct buf body = BUF_INIT;
    message_encode(message, &body);
    struct net_event net = {.type = NET_MESSAGE, .body = buf_slice(&body), .to = AGENT_ACTOR};
    net.name = slice_from(arena_printf(&shell->arena, "mesos.internal.%s", name));
    assert_true(upid_parse(slice_from(from), &net.from));
    shell_step(shell, &(struct agent_event){.type = AGENT_NET, .net = &net});
    buf_deinit(&body);
}

uint64_t shell_request(struct shell *shell, const char *method, const char *path, const char *query,
                       const char *body)
{
    struct http_header headers[] = {{SLICE("Content-Type"), SLICE("application/json")},
                                    {SLICE("Accept"), SLICE("application/json")}};
    struct http_head head = {.method = slice_from(method),
                             .path = slice_from(path),
                             .query = slice_from(query),
                             .headers = headers,
                             .header_count = ELEMENTS(headers)};
    struct net_event net = {.type = NET_REQUEST, .handle = shell->next_handle++};
    net.request = (struct net_request){
        .handle = net.handle, .head = &head, .path = slice_from(path), .body = slice_from(body)};
    shell_step(shell, &(struct agent_event){.type = AGENT_NET, .net = &net});
    return net.handle;
}

void shell_body(struct shell *shell, uint64_t handle, const char *bytes, bool ended)
{
    struct net_event net = {
        .type = NET_BODY, .handle = handle, .body = slice_from(bytes), .ended = ended};
    shell_step(shell, &(struct agent_event){.type = AGENT_NET, .net = &net});
}

void shell_record(struct shell *shell, uint64_t handle, const char *record)
{
    shell_body(shell, handle, arena_printf(&shell->arena, "%zu\n%s", strlen(record), record),
               false);
}

static struct sent *find_answer(struct shell *shell, uint64_t handle)
{
    struct sent *sent;
    LIST_FOR_EACH (sent, &shell->sent, link) {
        if (sent->effect->handle == handle &&
            (sent->effect->type == NET_RESPOND || sent->effect->type == NET_RENDER)) {
            return sent;
        }
    }
    return NULL;
}

bool shell_is_answered(struct shell *shell, uint64_t handle)
{
    return find_answer(shell, handle) != NULL;
}

const char *shell_answer(struct shell *shell, uint64_t handle, int status)
{
    const struct sent *sent = find_answer(shell, handle);
    assert_non_null(sent);
    struct slice body = blob_slice(sent->effect->body);
    if (sent->effect->type == NET_RENDER) {
        struct net_answer answer = {0};
        sent->effect->job->run(sent->effect->job, &answer);
        assert_int_equal(answer.status, status);
        const char *text = arena_strndup(&shell->arena, answer.body.data, answer.body.size);
        buf_deinit(&answer.body);
        return text;
    }
    assert_int_equal(sent->effect->status, status);
    return arena_strndup(&shell->arena, body.data, body.size);
}

ProtobufCMessage *shell_take(struct shell *shell, const char *name,
                             const ProtobufCMessageDescriptor *desc)
{
    const char *full = arena_printf(&shell->arena, "mesos.internal.%s", name);
    struct sent *sent;
    LIST_FOR_EACH (sent, &shell->sent, link) {
        if (sent->effect->type == NET_SEND && strcmp(sent->effect->name, full) == 0) {
            ProtobufCMessage *message =
                messages_read(desc, blob_slice(sent->effect->body), &shell->arena);
            net_effect_free(sent->effect);
            list_remove(&sent->link);
            free(sent);
            return message;
        }
    }
    return NULL;
}

const char *shell_stream(struct shell *shell, uint64_t handle)
{
    struct buf text = BUF_INIT;
    struct sent *sent;
    LIST_FOR_EACH (sent, &shell->sent, link) {
        const struct net_effect *effect = sent->effect;
        if (effect->handle != handle ||
            (effect->type != NET_STREAM_WRITE && effect->type != NET_STREAM_OPEN &&
             effect->type != NET_STREAM_CLOSE)) {
            continue;
        }
        buf_append_text(&text, effect->type == NET_STREAM_OPEN    ? "<open>"
                               : effect->type == NET_STREAM_CLOSE ? "<close>"
                                                                  : "");
        buf_append_slice(&text, blob_slice(effect->body));
        net_effect_free(sent->effect);
        list_remove(&sent->link);
        free(sent);
    }
    const char *kept = arena_strndup(&shell->arena, text.data != NULL ? text.data : "", text.size);
    buf_deinit(&text);
    return kept;
}

struct container_request *shell_take_request(struct shell *shell, enum container_request_type type)
{
    struct container_request *request;
    LIST_FOR_EACH (request, &shell->requests, link) {
        if (request->type == type) {
            list_remove(&request->link);
            return request;
        }
    }
    return NULL;
}

void shell_report(struct shell *shell, enum container_report_type type, const char *path,
                  int status)
{
    struct container_report *report = container_report_new(type, path);
    report->status = status;
    report->has_status = status >= 0;
    tell_report(shell, report);
    perform(shell);
}

/* --- parts of messages --- */

static Pb__Resource *resource(struct shell *shell, const char *name, double amount)
{
    struct arena *arena = &shell->arena;
    Pb__Resource *r = MESSAGE_NEW(Pb__Resource, pb__resource, arena);
    r->name = arena_strdup(arena, name);
    r->type = PB__VALUE__TYPE__SCALAR;
    r->scalar = MESSAGE_NEW(Pb__Value__Scalar, pb__value__scalar, arena);
    r->scalar->value = amount;
    r->allocation_info =
        MESSAGE_NEW(Pb__Resource__AllocationInfo, pb__resource__allocation_info, arena);
    r->allocation_info->role = arena_strdup(arena, "*");
    return r;
}

void shell_add_capability(struct shell *shell, Pb__FrameworkInfo *framework,
                          Pb__FrameworkInfo__Capability__Type type)
{
    Pb__FrameworkInfo__Capability *capability =
        MESSAGE_NEW(Pb__FrameworkInfo__Capability, pb__framework_info__capability, &shell->arena);
    capability->has_type = 1;
    capability->type = type;
    MESSAGE_APPEND(&shell->arena, framework->n_capabilities, framework->capabilities, capability);
}

Pb__FrameworkInfo *shell_framework(struct shell *shell, const char *id, bool checkpoint)
{
    struct arena *arena = &shell->arena;
    Pb__FrameworkInfo *info = MESSAGE_NEW(Pb__FrameworkInfo, pb__framework_info, arena);
    info->id = messages_framework_id(id, arena);
    info->name = arena_strdup(arena, "f");
    info->user = arena_strdup(arena, "somebody");
    info->has_checkpoint = 1;
    info->checkpoint = checkpoint;
    char *role = arena_strdup(arena, "*");
    MESSAGE_APPEND(arena, info->n_roles, info->roles, role);
    shell_add_capability(shell, info, PB__FRAMEWORK_INFO__CAPABILITY__TYPE__MULTI_ROLE);
    return info;
}

Pb__TaskInfo *shell_task(struct shell *shell, const char *id)
{
    struct arena *arena = &shell->arena;
    Pb__TaskInfo *task = MESSAGE_NEW(Pb__TaskInfo, pb__task_info, arena);
    task->name = arena_strdup(arena, "name of the task");
    task->task_id = messages_task_id(id, arena);
    task->agent_id = messages_agent_id(AGENT_ID, arena);
    Pb__Resource *cpus = resource(shell, "cpus", 1);
    Pb__Resource *mem = resource(shell, "mem", 64);
    MESSAGE_APPEND(arena, task->n_resources, task->resources, cpus);
    MESSAGE_APPEND(arena, task->n_resources, task->resources, mem);
    return task;
}

Pb__ExecutorInfo *shell_executor(struct shell *shell, const char *framework_id, const char *id)
{
    struct arena *arena = &shell->arena;
    Pb__ExecutorInfo *executor = MESSAGE_NEW(Pb__ExecutorInfo, pb__executor_info, arena);
    executor->executor_id = messages_executor_id(id, arena);
    executor->framework_id = messages_framework_id(framework_id, arena);
    executor->command = MESSAGE_NEW(Pb__CommandInfo, pb__command_info, arena);
    executor->command->value = arena_strdup(arena, "run");
    Pb__Resource *cpus = resource(shell, "cpus", 0.5);
    MESSAGE_APPEND(arena, executor->n_resources, executor->resources, cpus);
    return executor;
}

void shell_run_task(struct shell *shell, Pb__FrameworkInfo *framework, Pb__TaskInfo *task,
                    Pb__ExecutorInfo *executor)
{
    Pb__Internal__RunTaskMessage message = PB__INTERNAL__RUN_TASK_MESSAGE__INIT;
    if (executor != NULL) {
        task->executor = executor;
    } else {
        task->command = MESSAGE_NEW(Pb__CommandInfo, pb__command_info, &shell->arena);
        task->command->value = arena_strdup(&shell->arena, "sleep 1000");
    }
    message.framework = framework;
    message.task = task;
    shell_tell(shell, "RunTaskMessage", &message);
}

void shell_register_executor(struct shell *shell, const char *framework_id, const char *id,
                             const char *pid)
{
    Pb__Internal__RegisterExecutorMessage message = PB__INTERNAL__REGISTER_EXECUTOR_MESSAGE__INIT;
    message.framework_id = messages_framework_id(framework_id, &shell->arena);
    message.executor_id = messages_executor_id(id, &shell->arena);
    shell_message(shell, pid, "RegisterExecutorMessage", &message.base);
}

void shell_deliver(struct shell *shell, Pb__FrameworkInfo *framework, const char *task_id)
{
    if (shell->agent == NULL) {
        shell_register(shell);
    }
    const char *id = framework->id->value;
    shell_run_task(shell, framework, shell_task(shell, task_id), shell_executor(shell, id, "e"));
    struct container_request *launch = shell_take_request(shell, CONTAINER_LAUNCH);
    if (launch != NULL) {
        container_request_free(launch);
        shell_register_executor(shell, id, "e", SHELL_EXECUTOR);
    }
    assert_non_null(SHELL_TAKE(shell, RunTaskMessage, run_task_message));
    shell_forget(shell);
}

void shell_come_back(struct shell *shell, const char *framework_id, Pb__TaskInfo *task)
{
    Pb__Internal__ReregisterExecutorMessage message =
        PB__INTERNAL__REREGISTER_EXECUTOR_MESSAGE__INIT;
    message.framework_id = messages_framework_id(framework_id, &shell->arena);
    message.executor_id = messages_executor_id("e", &shell->arena);
    if (task != NULL) {
        message.n_tasks = 1;
        message.tasks = &task;
    }
    shell_message(shell, SHELL_EXECUTOR, "ReregisterExecutorMessage", &message.base);
}

Pb__Internal__ReregisterSlaveMessage *shell_reregister(struct shell *shell)
{
    shell_pass(shell, NS_PER_SEC);
    Pb__Internal__ReregisterSlaveMessage *asked =
        SHELL_TAKE(shell, ReregisterSlaveMessage, reregister_slave_message);
    assert_non_null(asked);
    Pb__Internal__SlaveReregisteredMessage message = PB__INTERNAL__SLAVE_REREGISTERED_MESSAGE__INIT;
    message.slave_id = messages_agent_id(AGENT_ID, &shell->arena);
    shell_tell(shell, "SlaveReregisteredMessage", &message);
    assert_string_equal(agent_state_name(shell->agent), "RUNNING");
    return asked;
}

void shell_update(struct shell *shell, const char *framework_id, const char *executor_id,
                  const char *task_id, Pb__TaskState state, int number, const char *pid)
{
    struct arena *arena = &shell->arena;
    struct uuid uuid = {.bytes = {(uint8_t)number, 1}};
    Pb__Internal__StatusUpdateMessage message = PB__INTERNAL__STATUS_UPDATE_MESSAGE__INIT;
    Pb__Internal__StatusUpdate update = PB__INTERNAL__STATUS_UPDATE__INIT;
    Pb__TaskStatus status = PB__TASK_STATUS__INIT;
    status.task_id = messages_task_id(task_id, arena);
    status.state = state;
    status.agent_id = messages_agent_id(AGENT_ID, arena);
    update.framework_id = messages_framework_id(framework_id, arena);
    update.executor_id = messages_executor_id(executor_id, arena);
    update.slave_id = status.agent_id;
    update.status = &status;
    update.has_uuid = 1;
    update.uuid = messages_uuid_bytes(&uuid, arena);
    message.update = &update;
    message.pid = arena_strdup(arena, pid);
    shell_message(shell, pid, "StatusUpdateMessage", &message.base);
}

void shell_acknowledge(struct shell *shell, const Pb__Internal__StatusUpdate *update)
{
    Pb__Internal__StatusUpdateAcknowledgementMessage message =
        PB__INTERNAL__STATUS_UPDATE_ACKNOWLEDGEMENT_MESSAGE__INIT;
    message.slave_id = update->slave_id;
    message.framework_id = update->framework_id;
    message.task_id = update->status->task_id;
    message.uuid = update->uuid;
    shell_tell(shell, "StatusUpdateAcknowledgementMessage", &message);
}

Pb__Internal__StatusUpdate *shell_expect_update(struct shell *shell, const char *task_id,
                                                Pb__TaskState state)
{
    const Pb__Internal__StatusUpdateMessage *message =
        SHELL_TAKE(shell, StatusUpdateMessage, status_update_message);
    assert_non_null(message);
    assert_string_equal(message->update->status->task_id->value, task_id);
    assert_int_equal(message->update->status->state, state);
    shell_acknowledge(shell, message->update);
    return message->update;
}
