#include "agent/sandboxes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/core.h"
#include "agent/endpoints.h"
#include "agent/framework.h"
#include "agent/messages.h"
#include "agent/operator_api.h"
#include "common/xalloc.h"
#include "wire/json.h"
#include "wire/mime.h"

/* --- virtual paths --- */

static bool is_plain(struct slice part)
{
    return part.size > 0 && !slice_is(part, ".") && !slice_is(part, "..");
}

/* Takes "literal/" from the front. */
static bool take_literal(struct slice *rest, const char *literal)
{
    struct slice word = slice_from(literal);
    if (!slice_starts_with(*rest, word)) {
        return false;
    }
    *rest = slice_skip(*rest, word.size);
    return true;
}

/* Takes one component, and the slash behind it if there is one. */
static bool take_component(struct slice *rest, struct slice *ret)
{
    ptrdiff_t slash = slice_find(*rest, '/');
    size_t size = slash < 0 ? rest->size : (size_t)slash;
    *ret = slice_make(rest->data, size);
    *rest = slice_skip(*rest, slash < 0 ? size : size + 1);
    return is_plain(*ret);
}

/* "F/executors/E/runs/R[/rest]" */
struct run_path {
    struct slice framework;
    struct slice executor;
    struct slice run;
    struct slice rest;
};

static bool parse_run(struct slice rest, struct run_path *ret)
{
    struct run_path p = {0};
    if (!take_component(&rest, &p.framework) || !take_literal(&rest, "executors/") ||
        !take_component(&rest, &p.executor) || !take_literal(&rest, "runs/") ||
        !take_component(&rest, &p.run)) {
        return false;
    }
    p.rest = rest;
    *ret = p;
    return true;
}

bool sandboxes_resolve(struct agent *agent, struct slice path, const char **ret_root,
                       const char **ret_path)
{
    struct arena *arena = &agent->arena;
    const struct agent_config *config = &agent->setup.config;
    while (path.size > 1 && path.data[path.size - 1] == '/') {
        path.size--;
    }
    if (slice_is(path, "/slave/log") && config->external_log_file != NULL) {
        *ret_root = *ret_path = config->external_log_file;
        return true;
    }
    const char *own = arena_printf(arena, "%s/slaves/%s/frameworks/", config->work_dir, agent->id);
    struct run_path p;
    struct slice rest = path;
    bool is_virtual = take_literal(&rest, "/frameworks/");
    if (agent->id[0] == '\0' || (!is_virtual && !take_literal(&rest, own)) ||
        !parse_run(rest, &p) || (is_virtual && !slice_is(p.run, "latest"))) {
        return false;
    }
    const char *root =
        arena_printf(arena, "%s%.*s/executors/%.*s/runs/%.*s", own, SLICE_ARGS(p.framework),
                     SLICE_ARGS(p.executor), SLICE_ARGS(p.run));
    *ret_root = root;
    *ret_path = p.rest.size > 0 ? arena_printf(arena, "%s/%.*s", root, SLICE_ARGS(p.rest)) : root;
    return true;
}

/* --- asking --- */

static struct sandbox_look *look_free(struct sandbox_look *look)
{
    list_remove(&look->link);
    free(look->path);
    free(look->jsonp);
    free(look);
    return NULL;
}

struct look_options {
    uint64_t handle;
    enum file_request_type type;
    enum sandbox_form form;
    struct slice path;
    const char *jsonp;
    int64_t offset;
    int64_t size_max;
};

static void begin(struct agent *agent, const struct look_options *options)
{
    const char *root;
    const char *path;
    size_t count = 0;
    for (const struct list *link = agent->looks.next; link != &agent->looks; link = link->next) {
        count++;
    }
    if (count >= SANDBOXES_LOOKS_MAX) {
        net_respond_text(&agent->effects->net, options->handle, 503, "Too many files at a time.\n");
        return;
    }
    if (!sandboxes_resolve(agent, options->path, &root, &path)) {
        net_respond(&agent->effects->net, options->handle, 404, NULL, NULL);
        return;
    }
    struct sandbox_look *look = xalloc(sizeof(*look));
    look->token = agent_token(agent);
    look->handle = options->handle;
    look->type = options->type;
    look->form = options->form;
    look->path = xstrndup(options->path.data, options->path.size);
    for (size_t size = strlen(look->path); size > 1 && look->path[size - 1] == '/'; size--) {
        look->path[size - 1] = '\0';
    }
    look->jsonp = options->jsonp != NULL ? xstrdup(options->jsonp) : NULL;
    look->offset = options->offset;
    list_push_back(&agent->looks, &look->link);
    struct file_request *request =
        file_request_add(&agent->effects->files, options->type, look->token, root, path);
    request->offset = options->offset;
    request->size_max = options->size_max;
}

/* The path of the query; false after an answer. */
static bool read_path(struct agent *agent, const struct endpoint_call *call, struct slice *ret_path)
{
    const char *path = endpoints_param(agent, call, "path");
    if (path == NULL || path[0] == '\0') {
        net_respond_text(&agent->effects->net, call->handle, 400,
                         "Expecting 'path=value' in query.\n");
        return false;
    }
    *ret_path = slice_from(path);
    return true;
}

void sandboxes_browse(struct agent *agent, const struct endpoint_call *call)
{
    struct look_options options = {
        .handle = call->handle, .type = FILE_LIST, .form = SANDBOX_V0, .jsonp = call->jsonp};
    if (read_path(agent, call, &options.path)) {
        begin(agent, &options);
    }
}

/* An optional number of the query, at least -1; false after an answer. */
static bool read_number(struct agent *agent, const struct endpoint_call *call, const char *name,
                        int64_t *value)
{
    const char *text = endpoints_param(agent, call, name);
    if (text == NULL) {
        return true;
    }
    if (!slice_parse_int64(slice_from(text), value)) {
        net_respond_text(&agent->effects->net, call->handle, 400,
                         "Failed to parse %s: Failed to convert '%s' to number.\n", name, text);
        return false;
    }
    if (*value < -1) {
        net_respond_text(&agent->effects->net, call->handle, 400, "Negative %s provided: %lld.\n",
                         name, (long long)*value);
        return false;
    }
    return true;
}

void sandboxes_read(struct agent *agent, const struct endpoint_call *call)
{
    struct look_options options = {.handle = call->handle,
                                   .type = FILE_READ,
                                   .form = SANDBOX_V0,
                                   .jsonp = call->jsonp,
                                   .offset = -1,
                                   .size_max = -1};
    if (!read_path(agent, call, &options.path) ||
        !read_number(agent, call, "offset", &options.offset) ||
        !read_number(agent, call, "length", &options.size_max)) {
        return;
    }
    if (options.size_max < 0 || options.size_max > FILE_READ_SIZE_MAX) {
        options.size_max = FILE_READ_SIZE_MAX;
    }
    begin(agent, &options);
}

void sandboxes_download(struct agent *agent, const struct endpoint_call *call)
{
    struct look_options options = {
        .handle = call->handle, .type = FILE_DOWNLOAD, .form = SANDBOX_V0};
    if (read_path(agent, call, &options.path)) {
        begin(agent, &options);
    }
}

void sandboxes_list_files(struct agent *agent, const struct operator_call *call)
{
    begin(agent, &(struct look_options){
                     .handle = call->handle,
                     .type = FILE_LIST,
                     .form = call->json ? SANDBOX_V1_JSON : SANDBOX_V1_PROTOBUF,
                     .path = slice_from(call->call->list_files->path),
                 });
}

void sandboxes_read_file(struct agent *agent, const struct operator_call *call)
{
    const Pb__Agent__Call__ReadFile *body = call->call->read_file;
    uint64_t size_max = body->has_length ? body->length : FILE_READ_SIZE_MAX;
    begin(agent, &(struct look_options){
                     .handle = call->handle,
                     .type = FILE_READ,
                     .form = call->json ? SANDBOX_V1_JSON : SANDBOX_V1_PROTOBUF,
                     .path = slice_from(body->path),
                     .offset = (int64_t)MIN(body->offset, (uint64_t)INT64_MAX),
                     .size_max = (int64_t)MIN(size_max, (uint64_t)FILE_READ_SIZE_MAX),
                 });
}

/* All paths under which sandboxes are known, and where they lie. */
static void put_debug(struct agent *agent, struct json_writer *w, const struct list *executors)
{
    struct arena *arena = &agent->arena;
    struct executor *executor;
    LIST_FOR_EACH (executor, executors, link) {
        struct run_ids ids = executor_ids(executor);
        json_key_slice(w, slice_from(paths_virtual_run(arena, &ids)));
        json_text(w, executor->directory);
        json_key_slice(w, slice_from(paths_latest_run(arena, agent->setup.config.work_dir, &ids)));
        json_text(w, executor->directory);
        json_key_slice(w, slice_from(executor->directory));
        json_text(w, executor->directory);
    }
}

void sandboxes_debug(struct agent *agent, const struct endpoint_call *call)
{
    struct buf body = BUF_INIT;
    struct json_writer w;
    json_writer_init(&w, &body);
    json_begin_object(&w);
    if (agent->setup.config.external_log_file != NULL) {
        json_key_text(&w, "/slave/log", agent->setup.config.external_log_file);
    }
    const struct list *lists[] = {&agent->framework_order, &agent->completed};
    for (size_t i = 0; i < ELEMENTS(lists); i++) {
        struct framework *framework;
        LIST_FOR_EACH (framework, lists[i], link) {
            put_debug(agent, &w, &framework->executor_order);
            put_debug(agent, &w, &framework->completed);
        }
    }
    json_end_object(&w);
    endpoints_respond_json(agent, call, &body);
}

/* --- answering --- */

/* "-rw-r--r--", as a long ls writes it. */
static void format_mode(uint32_t mode, char text[11])
{
    static const char bits[] = "rwxrwxrwx";
    char type = S_ISDIR(mode)    ? 'd'
                : S_ISLNK(mode)  ? 'l'
                : S_ISCHR(mode)  ? 'c'
                : S_ISBLK(mode)  ? 'b'
                : S_ISFIFO(mode) ? 'p'
                : S_ISSOCK(mode) ? 's'
                                 : '-';
    text[0] = type;
    for (int i = 0; i < 9; i++) {
        text[1 + i] = (mode & (0400u >> i)) != 0 ? bits[i] : '-';
    }
    if (mode & S_ISUID) {
        text[3] = text[3] == 'x' ? 's' : 'S';
    }
    if (mode & S_ISGID) {
        text[6] = text[6] == 'x' ? 's' : 'S';
    }
    if (mode & S_ISVTX) {
        text[9] = text[9] == 'x' ? 't' : 'T';
    }
    text[10] = '\0';
}

static void respond_json(struct agent *agent, const struct sandbox_look *look, struct buf *body)
{
    struct endpoint_call call = {.handle = look->handle, .jsonp = look->jsonp};
    endpoints_respond_json(agent, &call, body);
}

static void respond_listing_v0(struct agent *agent, const struct sandbox_look *look,
                               const struct file_result *result)
{
    struct buf body = BUF_INIT;
    struct json_writer w;
    json_writer_init(&w, &body);
    json_begin_array(&w);
    for (size_t i = 0; i < result->entry_count; i++) {
        const struct file_entry *entry = &result->entries[i];
        char mode[11];
        format_mode(entry->mode, mode);
        json_begin_object(&w);
        json_key_text(&w, "gid", entry->group);
        json_key_text(&w, "mode", mode);
        json_key_double(&w, "mtime", (double)(entry->mtime_ns / NS_PER_SEC));
        json_key_int(&w, "nlink", (int64_t)entry->link_count);
        json_key_text(&w, "path", paths_join(&agent->arena, look->path, entry->name));
        json_key_int(&w, "size", entry->size);
        json_key_text(&w, "uid", entry->user);
        json_end_object(&w);
    }
    json_end_array(&w);
    respond_json(agent, look, &body);
}

static void respond_listing_v1(struct agent *agent, const struct sandbox_look *look,
                               const struct file_result *result)
{
    struct arena *arena = &agent->arena;
    Pb__Agent__Response *response = MESSAGE_NEW(Pb__Agent__Response, pb__agent__response, arena);
    response->has_type = 1;
    response->type = PB__AGENT__RESPONSE__TYPE__LIST_FILES;
    Pb__Agent__Response__ListFiles *told = response->list_files =
        MESSAGE_NEW(Pb__Agent__Response__ListFiles, pb__agent__response__list_files, arena);
    for (size_t i = 0; i < result->entry_count; i++) {
        const struct file_entry *entry = &result->entries[i];
        Pb__FileInfo *info = MESSAGE_NEW(Pb__FileInfo, pb__file_info, arena);
        info->path = (char *)(uintptr_t)paths_join(arena, look->path, entry->name);
        info->has_nlink = 1;
        info->nlink = (int32_t)entry->link_count;
        info->has_size = 1;
        info->size = (uint64_t)entry->size;
        info->mtime = MESSAGE_NEW(Pb__TimeInfo, pb__time_info, arena);
        info->mtime->nanoseconds = entry->mtime_ns / NS_PER_SEC * NS_PER_SEC;
        info->has_mode = 1;
        info->mode = entry->mode;
        info->uid = arena_strdup(arena, entry->user);
        info->gid = arena_strdup(arena, entry->group);
        MESSAGE_APPEND(arena, told->n_file_infos, told->file_infos, info);
    }
    operator_respond(agent, look->handle, look->form == SANDBOX_V1_JSON, response);
}

static void respond_read(struct agent *agent, const struct sandbox_look *look,
                         const struct file_result *result)
{
    struct arena *arena = &agent->arena;
    if (look->form == SANDBOX_V0) {
        struct buf body = BUF_INIT;
        struct json_writer w;
        json_writer_init(&w, &body);
        json_begin_object(&w);
        json_key_string(&w, "data", blob_slice(result->bytes));
        json_key_int(&w, "offset", look->offset < 0 ? result->size : look->offset);
        json_end_object(&w);
        respond_json(agent, look, &body);
        return;
    }
    Pb__Agent__Response *response = MESSAGE_NEW(Pb__Agent__Response, pb__agent__response, arena);
    response->has_type = 1;
    response->type = PB__AGENT__RESPONSE__TYPE__READ_FILE;
    response->read_file =
        MESSAGE_NEW(Pb__Agent__Response__ReadFile, pb__agent__response__read_file, arena);
    response->read_file->size = (uint64_t)result->size;
    response->read_file->data = message_data(blob_slice(result->bytes));
    operator_respond(agent, look->handle, look->form == SANDBOX_V1_JSON, response);
}

static void respond_download(struct agent *agent, const struct sandbox_look *look,
                             const struct file_result *result)
{
    const char *slash = strrchr(look->path, '/');
    char *name = arena_strdup(&agent->arena, slash != NULL ? slash + 1 : look->path);
    for (char *c = name; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            *c = '_'; /* it becomes part of a header */
        }
    }
    struct net_effect *effect = net_respond(&agent->effects->net, look->handle, 200,
                                            mime_of_file(name), blob_ref(result->bytes));
    net_add_header(effect, "Content-Disposition",
                   arena_printf(&agent->arena, "attachment; filename=%s", name));
}

static void respond_failure(struct agent *agent, const struct sandbox_look *look, int status)
{
    struct net_effects *net = &agent->effects->net;
    switch (-status) {
    case ENOENT:
        net_respond(net, look->handle, 404, NULL, NULL);
        break;
    case EISDIR:
        net_respond_text(net, look->handle, 400,
                         look->type == FILE_DOWNLOAD ? "Cannot download a directory.\n"
                                                     : "Cannot read a directory.\n");
        break;
    case ENOTDIR:
        /* A listing of a file is empty; below a file there is nothing. */
        net_respond(net, look->handle, 404, NULL, NULL);
        break;
    case EPERM:
        net_respond_text(net, look->handle, 400, "'%s' is inaccessible.\n", look->path);
        break;
    default:
        net_respond_text(net, look->handle, 500, "Failed to open file at '%s': %s.\n", look->path,
                         strerror(-status));
        break;
    }
}

void sandboxes_result(struct agent *agent, const struct file_result *result)
{
    struct sandbox_look *look;
    LIST_FOR_EACH (look, &agent->looks, link) {
        if (look->token != result->token) {
            continue;
        }
        if (result->status != 0) {
            respond_failure(agent, look, result->status);
        } else {
            switch (look->type) {
            case FILE_LIST:
                if (look->form == SANDBOX_V0) {
                    respond_listing_v0(agent, look, result);
                } else {
                    respond_listing_v1(agent, look, result);
                }
                break;
            case FILE_READ:
                respond_read(agent, look, result);
                break;
            case FILE_DOWNLOAD:
                respond_download(agent, look, result);
                break;
            }
        }
        look_free(look);
        return;
    }
}

void sandboxes_drop_all(struct agent *agent)
{
    struct sandbox_look *look;
    LIST_FOR_EACH (look, &agent->looks, link) {
        look_free(look);
    }
}
