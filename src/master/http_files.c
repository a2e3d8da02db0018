#include "master/http_files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "master/master_state.h"
#include "master/reads.h"
#include "webui/webui.h"
#include "wire/json.h"
#include "wire/jsonp.h"
#include "wire/message.h"
#include "wire/mime.h"

enum look_form {
    LOOK_STATIC,   /* the file itself, its type by its name */
    LOOK_DOWNLOAD, /* the same, to be saved */
    LOOK_PIECE,    /* {"data":..,"offset":..} */
    LOOK_V1_JSON,  /* READ_FILE */
    LOOK_V1_PROTOBUF,
};

/* A request that waits for a file. */
struct file_look {
    struct list link; /* reads->looks */
    uint64_t token;
    uint64_t handle;
    enum look_form form;
    char *name;     /* heap; the last part of the path */
    char *jsonp;    /* heap; PIECE: NULL = none */
    int64_t offset; /* PIECE: as asked for; -1 = tell the size */
};

/* --- types by extension --- */

/* --- asking --- */

static void look_free(struct master *master, struct file_look *look)
{
    list_remove(&look->link);
    master->reads->look_count--;
    free(look->name);
    free(look->jsonp);
    free(look);
}

/* What is wanted; the look and the request are made of it. */
struct look_wish {
    uint64_t handle;
    enum look_form form;
    const char *root;
    const char *path;   /* root, or below it */
    struct slice jsonp; /* data NULL = none */
    int64_t offset;
    int64_t size_max; /* of a piece */
};

static void begin(struct master *master, const struct look_wish *wish)
{
    struct reads *reads = master->reads;
    if (reads->look_count >= FILES_LOOKS_MAX) {
        net_respond_text(&master->effects->net, wish->handle, 503, "Too many files at a time.\n");
        return;
    }
    const char *slash = strrchr(wish->path, '/');
    struct file_look *look = xalloc(sizeof(*look));
    look->token = ++reads->next_look;
    look->handle = wish->handle;
    look->form = wish->form;
    look->name = xstrdup(slash != NULL ? slash + 1 : wish->path);
    look->jsonp = wish->jsonp.data != NULL ? xstrndup(wish->jsonp.data, wish->jsonp.size) : NULL;
    look->offset = wish->offset;
    list_push_back(&reads->looks, &look->link);
    reads->look_count++;
    bool whole = wish->form == LOOK_STATIC || wish->form == LOOK_DOWNLOAD;
    struct file_request *request =
        file_request_add(&master->effects->files, whole ? FILE_DOWNLOAD : FILE_READ, look->token,
                         wish->root, wish->path);
    request->offset = wish->offset;
    request->size_max = wish->size_max;
}

/* Whether it is the log's path; a slash behind it makes no difference. */
static bool is_log(const struct master *master, struct slice path)
{
    while (path.size > 1 && path.data[path.size - 1] == '/') {
        path.size--;
    }
    return master->options.log_file != NULL && slice_is(path, FILES_LOG_PATH);
}

/* --- web pages --- */

void master_files_index(struct master *master, const struct net_request *request)
{
    const char *dir = master->options.webui_dir;
    if (dir == NULL) {
        net_respond(&master->effects->net, request->handle, 200, "text/html",
                    blob_from(webui_index()));
        return;
    }
    begin(master, &(struct look_wish){
                      .handle = request->handle,
                      .form = LOOK_STATIC,
                      .root = dir,
                      .path = arena_printf(&master->arena, "%s/index.html", dir),
                  });
}

/* The path is /master/app/..., without "..". */
void master_files_static(struct master *master, const struct net_request *request)
{
    static const struct slice prefix = {"/master/", sizeof("/master/") - 1};
    const char *dir = master->options.webui_dir;
    if (dir == NULL || memchr(request->path.data, '\0', request->path.size) != NULL) {
        net_respond(&master->effects->net, request->handle, 404, NULL, NULL);
        return;
    }
    ASSERT(slice_starts_with(request->path, prefix));
    struct slice below = slice_skip(request->path, prefix.size);
    begin(master, &(struct look_wish){
                      .handle = request->handle,
                      .form = LOOK_STATIC,
                      .root = dir,
                      .path = arena_printf(&master->arena, "%s/%.*s", dir, SLICE_ARGS(below)),
                  });
}

/* --- the log --- */

/* The path of the query; false after an answer. */
static bool read_path(struct master *master, const struct net_request *request)
{
    struct slice path = master_http_param(master, request->head->query, "path");
    if (path.size == 0) {
        net_respond_text(&master->effects->net, request->handle, 400,
                         "Expecting 'path=value' in query.\n");
        return false;
    }
    if (!is_log(master, path)) {
        net_respond(&master->effects->net, request->handle, 404, NULL, NULL);
        return false;
    }
    return true;
}

/* An optional number of the query, at least -1; false after an answer. */
static bool read_number(struct master *master, const struct net_request *request, const char *name,
                        int64_t *value)
{
    struct slice text = master_http_param(master, request->head->query, name);
    if (text.data == NULL) {
        return true;
    }
    if (!slice_parse_int64(text, value)) {
        net_respond_text(&master->effects->net, request->handle, 400,
                         "Failed to parse %s: Failed to convert '%.*s' to number.\n", name,
                         SLICE_ARGS(text));
        return false;
    }
    if (*value < -1) {
        net_respond_text(&master->effects->net, request->handle, 400,
                         "Negative %s provided: %lld.\n", name, (long long)*value);
        return false;
    }
    return true;
}

/* A listing of what is no folder is empty. */
void master_files_browse(struct master *master, const struct net_request *request)
{
    if (read_path(master, request)) {
        struct buf out = BUF_INIT;
        buf_append_text(&out, "[]");
        master_http_respond_json(master, request, &out);
    }
}

void master_files_read(struct master *master, const struct net_request *request)
{
    struct look_wish wish = {
        .handle = request->handle,
        .form = LOOK_PIECE,
        .root = master->options.log_file,
        .path = master->options.log_file,
        .offset = -1,
        .size_max = -1,
    };
    if (!master_http_jsonp(master, request, &wish.jsonp) || !read_path(master, request) ||
        !read_number(master, request, "offset", &wish.offset) ||
        !read_number(master, request, "length", &wish.size_max)) {
        return;
    }
    if (wish.size_max < 0 || wish.size_max > FILE_READ_SIZE_MAX) {
        wish.size_max = FILE_READ_SIZE_MAX;
    }
    begin(master, &wish);
}

void master_files_download(struct master *master, const struct net_request *request)
{
    if (read_path(master, request)) {
        begin(master, &(struct look_wish){
                          .handle = request->handle,
                          .form = LOOK_DOWNLOAD,
                          .root = master->options.log_file,
                          .path = master->options.log_file,
                      });
    }
}

void master_files_debug(struct master *master, const struct net_request *request)
{
    struct buf out = BUF_INIT;
    struct json_writer w;
    json_writer_init(&w, &out);
    json_begin_object(&w);
    if (master->options.log_file != NULL) {
        json_key_text(&w, FILES_LOG_PATH, master->options.log_file);
    }
    json_end_object(&w);
    master_http_respond_json(master, request, &out);
}

void master_files_list_call(struct master *master, const struct operator_request *r)
{
    if (!is_log(master, slice_from(r->call->list_files->path))) {
        net_respond(&master->effects->net, r->request->handle, 404, NULL, NULL);
        return;
    }
    Pb__Master__Response__ListFiles list = PB__MASTER__RESPONSE__LIST_FILES__INIT;
    Pb__Master__Response response = PB__MASTER__RESPONSE__INIT;
    response.has_type = true;
    response.type = PB__MASTER__RESPONSE__TYPE__LIST_FILES;
    response.list_files = &list;
    master_operator_respond(master, r, &response);
}

void master_files_read_call(struct master *master, const struct operator_request *r)
{
    const Pb__Master__Call__ReadFile *body = r->call->read_file;
    if (!is_log(master, slice_from(body->path))) {
        net_respond(&master->effects->net, r->request->handle, 404, NULL, NULL);
        return;
    }
    uint64_t size_max = body->has_length ? body->length : FILE_READ_SIZE_MAX;
    begin(master, &(struct look_wish){
                      .handle = r->request->handle,
                      .form = r->accept == HTTP_MEDIA_JSON ? LOOK_V1_JSON : LOOK_V1_PROTOBUF,
                      .root = master->options.log_file,
                      .path = master->options.log_file,
                      .offset = (int64_t)MIN(body->offset, (uint64_t)INT64_MAX),
                      .size_max = (int64_t)MIN(size_max, (uint64_t)FILE_READ_SIZE_MAX),
                  });
}

/* --- answering --- */

static void respond_piece(struct master *master, const struct file_look *look,
                          const struct file_result *result)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT;
    struct buf wrapped = BUF_INIT;
    struct json_writer w;
    json_writer_init(&w, &out);
    json_begin_object(&w);
    json_key_string(&w, "data", blob_slice(result->bytes));
    json_key_int(&w, "offset", look->offset < 0 ? result->size : look->offset);
    json_end_object(&w);
    if (look->jsonp == NULL) {
        net_respond(&master->effects->net, look->handle, 200, HTTP_JSON, blob_take(&out));
        return;
    }
    jsonp_append(slice_from(look->jsonp), buf_slice(&out), &wrapped);
    net_respond(&master->effects->net, look->handle, 200, HTTP_JAVASCRIPT, blob_take(&wrapped));
}

static void respond_v1(struct master *master, const struct file_look *look,
                       const struct file_result *result)
{
    Pb__Master__Response__ReadFile read = PB__MASTER__RESPONSE__READ_FILE__INIT;
    Pb__Master__Response response = PB__MASTER__RESPONSE__INIT;
    read.size = (uint64_t)result->size;
    read.data = message_data(blob_slice(result->bytes));
    response.has_type = true;
    response.type = PB__MASTER__RESPONSE__TYPE__READ_FILE;
    response.read_file = &read;
    struct net_request request = {.handle = look->handle};
    master_operator_respond(
        master,
        &(struct operator_request){
            .request = &request,
            .accept = look->form == LOOK_V1_JSON ? HTTP_MEDIA_JSON : HTTP_MEDIA_PROTOBUF,
        },
        &response);
}

static void respond_whole(struct master *master, const struct file_look *look,
                          const struct file_result *result)
{
    struct net_effect *effect = net_respond(&master->effects->net, look->handle, 200,
                                            mime_of_file(look->name), blob_ref(result->bytes));
    if (look->form == LOOK_DOWNLOAD) {
        net_add_header(effect, "Content-Disposition",
                       arena_printf(&master->arena, "attachment; filename=%s", look->name));
    }
}

static void respond_failure(struct master *master, const struct file_look *look, int status)
{
    struct net_effects *net = &master->effects->net;
    bool is_page = look->form == LOOK_STATIC;
    if (status == -ENOENT || status == -ENOTDIR ||
        (is_page && (status == -EISDIR || status == -EPERM))) {
        net_respond(net, look->handle, 404, NULL, NULL);
    } else if (status == -EISDIR) {
        net_respond_text(net, look->handle, 400, "Cannot read a directory.\n");
    } else {
        net_respond_text(net, look->handle, 500, "Failed to open file '%s': %s.\n", look->name,
                         strerror(-status));
    }
}

static void respond(struct master *master, const struct file_look *look,
                    const struct file_result *result)
{
    switch (look->form) {
    case LOOK_STATIC:
    case LOOK_DOWNLOAD:
        respond_whole(master, look, result);
        break;
    case LOOK_PIECE:
        respond_piece(master, look, result);
        break;
    case LOOK_V1_JSON:
    case LOOK_V1_PROTOBUF:
        respond_v1(master, look, result);
        break;
    }
}

void master_files_result(struct master *master, const struct file_result *result)
{
    struct file_look *look;
    LIST_FOR_EACH (look, &master->reads->looks, link) {
        if (look->token == result->token) {
            if (result->status != 0) {
                respond_failure(master, look, result->status);
            } else {
                respond(master, look, result);
            }
            look_free(master, look);
            return;
        }
    }
}

void master_files_drop_all(struct master *master)
{
    struct list *looks = &master->reads->looks;
    while (!list_is_empty(looks)) {
        look_free(master, LIST_ENTRY(looks->next, struct file_look, link));
    }
}
