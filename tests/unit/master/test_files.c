/* Pages and files of the master: which are asked for, and what is made of them. */
#include "golden_scene.h"
#include "shape.h"

#include <errno.h>

#include "master/http_files.h"
#include "master/reads.h"
#include "webui/webui.h"
#include "wire/message.h"
#include "wire/pb.h"

#define LOG "/var/log/tepui/master.log"
#define PAGES "/srv/pages"

static struct harness *h;

static void change(struct master_options *options)
{
    options->log_file = LOG;
    options->webui_dir = PAGES;
}

static int set_up(void **state)
{
    (void)state;
    h = harness_new(change);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    harness_free(h);
    return 0;
}

static uint64_t get(const char *path)
{
    return harness_request(h, "GET", path, NULL, "");
}

static int status_of(const char *path)
{
    return harness_status(h, get(path));
}

/* What a worker found. */
static void answer(int status, const char *bytes, int64_t size)
{
    assert_non_null(h->file);
    struct file_result result = {
        .token = h->file->token,
        .status = status,
        .size = size,
        .bytes = blob_from(slice_from(bytes)),
    };
    harness_step(h, &(struct master_event){.type = MASTER_FILE, .file = &result});
    file_result_deinit(&result);
}

static const char *body_of(uint64_t handle)
{
    struct slice body = harness_body(h, handle);
    return arena_strndup(&h->arena, body.data, body.size);
}

static void assert_answer(uint64_t handle, int status, const char *type, const char *body)
{
    assert_int_equal(harness_status(h, handle), status);
    const char *found = harness_header(h, handle, "Content-Type");
    if (type == NULL) {
        assert_null(found);
    } else {
        assert_string_equal(found, type);
    }
    assert_string_equal(body_of(handle), body);
}

/* --- pages --- */

static void test_a_page_of_our_own(void **state)
{
    (void)state;
    struct harness *own = harness_new(NULL);
    uint64_t handle = harness_request(own, "GET", "/master", NULL, "");
    assert_int_equal(harness_status(own, handle), 200);
    assert_string_equal(harness_header(own, handle, "Content-Type"), "text/html");
    assert_true(slice_equal(harness_body(own, handle), webui_index()));
    handle = harness_request(own, "GET", "/master/app/app.js", NULL, "");
    assert_int_equal(harness_status(own, handle), 404);
    handle = harness_request(own, "POST", "/master", NULL, "");
    assert_int_equal(harness_status(own, handle), 405);
    assert_null(own->file);
    harness_free(own);
}

static void test_pages_of_a_folder(void **state)
{
    (void)state;
    uint64_t handle = get("/master");
    assert_int_equal(harness_status(h, handle), -1);
    assert_int_equal(h->file->type, FILE_DOWNLOAD);
    assert_string_equal(h->file->root, PAGES);
    assert_string_equal(h->file->path, PAGES "/index.html");
    answer(0, "<html>", 6);
    assert_answer(handle, 200, "text/html", "<html>");
    static const struct {
        const char *path;
        const char *type;
    } cases[] = {
        {"/app/controllers.js", "application/x-javascript"},
        {"/assets/css/main.css", "text/css"},
        {"/assets/img/logo.png", "image/png"},
        {"/assets/img/favicon.ico", "image/x-icon"},
        {"/app/home.html", "text/html"},
        {"/assets/fonts/a.woff", "application/x-font-woff"},
        {"/assets/README", "application/octet-stream"},
        {"/assets/a.unknown", "application/octet-stream"},
    };
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        handle = get(arena_printf(&h->arena, "/master%s", cases[i].path));
        assert_string_equal(h->file->path, arena_printf(&h->arena, PAGES "%s", cases[i].path));
        answer(0, "text", 4);
        assert_answer(handle, 200, cases[i].type, "text");
    }
}

static void test_pages_that_are_not_there(void **state)
{
    (void)state;
    static const int statuses[] = {-ENOENT, -ENOTDIR, -EISDIR, -EPERM};
    for (size_t i = 0; i < ELEMENTS(statuses); i++) {
        uint64_t handle = get("/master/app/none.js");
        answer(statuses[i], "", 0);
        assert_answer(handle, 404, NULL, "");
    }
    uint64_t handle = get("/master/app/secret.js");
    answer(-EACCES, "", 0);
    assert_int_equal(harness_status(h, handle), 500);
    assert_has_not(body_of(handle), PAGES); /* folders are nobody's business */
}

/* --- the log --- */

static void test_a_piece_of_the_log(void **state)
{
    (void)state;
    uint64_t handle = get("/files/read?path=/master/log&offset=0&length=20");
    assert_int_equal(h->file->type, FILE_READ);
    assert_string_equal(h->file->path, LOG);
    assert_int_equal(h->file->offset, 0);
    assert_int_equal(h->file->size_max, 20);
    answer(0, "a line of a log\n", 16);
    shape_assert(harness_body(h, handle), "files-read", NULL, true);
    assert_answer(handle, 200, "application/json",
                  "{\"data\":\"a line of a log\\n\",\"offset\":0}");
    /* Without an offset the size is told. */
    handle = get("/files/read?path=/master/log/&jsonp=f");
    assert_int_equal(h->file->offset, -1);
    assert_int_equal(h->file->size_max, FILE_READ_SIZE_MAX);
    answer(0, "", 4711);
    assert_answer(handle, 200, "text/javascript", "f({\"data\":\"\",\"offset\":4711})");
    get("/files/read?path=/master/log&offset=5&length=100000000");
    assert_int_equal(h->file->size_max, FILE_READ_SIZE_MAX);
    answer(-EACCES, "", 0);
}

static void test_what_is_asked_wrongly(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        int status;
    } cases[] = {
        {"/files/read", 400},
        {"/files/read?path=", 400},
        {"/files/read?path=/etc/passwd", 404},
        {"/files/read?path=/master/log/../../etc", 404},
        {"/files/read?path=/master/log&offset=x", 400},
        {"/files/read?path=/master/log&offset=-2", 400},
        {"/files/read?path=/master/log&length=-2", 400},
        {"/files/read?path=/master/log&length=1e3", 400},
        {"/files/read?path=/master/log&jsonp=a-b", 400},
        {"/files/browse", 400},
        {"/files/browse?path=/somewhere", 404},
        {"/files/download", 400},
        {"/files/download?path=/somewhere", 404},
    };
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        assert_int_equal(status_of(cases[i].path), cases[i].status);
    }
    assert_null(h->file);
}

static void test_the_whole_log(void **state)
{
    (void)state;
    uint64_t handle = get("/files/download?path=%2Fmaster%2Flog");
    assert_int_equal(h->file->type, FILE_DOWNLOAD);
    answer(0, "lines", 5);
    assert_answer(handle, 200, "application/octet-stream", "lines");
    assert_string_equal(harness_header(h, handle, "Content-Disposition"),
                        "attachment; filename=master.log");
    handle = get("/files/download?path=/master/log");
    answer(-EISDIR, "", 0);
    assert_int_equal(harness_status(h, handle), 400);
}

static void test_what_there_is_to_read(void **state)
{
    (void)state;
    assert_slice(scene_get(h, "/files/debug"), "{\"/master/log\":\"" LOG "\"}");
    shape_assert(scene_get(h, "/files/debug"), "files-debug", NULL, true);
    assert_slice(scene_get(h, "/files/browse?path=/master/log"), "[]");
    struct harness *own = harness_new(NULL); /* logs to stderr */
    assert_slice(scene_get(own, "/files/debug"), "{}");
    uint64_t handle = harness_request(own, "GET", "/files/read?path=/master/log", NULL, "");
    assert_int_equal(harness_status(own, handle), 404);
    harness_free(own);
}

static void test_calls(void **state)
{
    (void)state;
    static const char read[] = "{\"type\":\"READ_FILE\",\"read_file\":{\"path\":\"/master/log\","
                               "\"offset\":3,\"length\":100}}";
    uint64_t handle = scene_operator(h, "application/json", read);
    assert_int_equal(h->file->offset, 3);
    assert_int_equal(h->file->size_max, 100);
    answer(0, "a line of a log\n", 19);
    shape_assert(harness_body(h, handle), "READ_FILE", NULL, true);
    assert_answer(handle, 200, "application/json",
                  "{\"type\":\"READ_FILE\",\"read_file\":{\"size\":19,"
                  "\"data\":\"YSBsaW5lIG9mIGEgbG9nCg==\"}}");
    handle = scene_operator(h, "application/x-protobuf", read);
    answer(0, "ab", 5);
    assert_int_equal(harness_status(h, handle), 200);
    assert_string_equal(harness_header(h, handle, "Content-Type"), "application/x-protobuf");
    Pb__Master__Response *response;
    assert_int_equal(MESSAGE_DECODE(Pb__Master__Response, pb__master__response,
                                    harness_body(h, handle), &h->arena, &response, NULL),
                     0);
    assert_int_equal(response->type, PB__MASTER__RESPONSE__TYPE__READ_FILE);
    assert_int_equal(response->read_file->size, 5);
    assert_slice(message_bytes(response->read_file->data), "ab");
    handle =
        scene_operator(h, "application/json",
                       "{\"type\":\"READ_FILE\",\"read_file\":{\"path\":\"/x\",\"offset\":0}}");
    assert_int_equal(harness_status(h, handle), 404);
    handle = scene_operator(h, "application/json",
                            "{\"type\":\"LIST_FILES\",\"list_files\":{\"path\":\"/x\"}}");
    assert_int_equal(harness_status(h, handle), 404);
    assert_slice(scene_operator_json(
                     h, "{\"type\":\"LIST_FILES\",\"list_files\":{\"path\":\"/master/log\"}}"),
                 "{\"type\":\"LIST_FILES\",\"list_files\":{}}");
}

/* --- limits --- */

static void test_not_too_many_at_a_time(void **state)
{
    (void)state;
    for (size_t i = 0; i < FILES_LOOKS_MAX; i++) {
        assert_int_equal(status_of("/master/app/a.js"), -1);
    }
    assert_int_equal(status_of("/master/app/a.js"), 503);
    answer(0, "text", 4);
    assert_int_equal(status_of("/master/app/a.js"), -1);
    assert_int_equal(h->master->reads->look_count, FILES_LOOKS_MAX);
}

/* A result nobody waits for, as of a step that came late. */
static void test_a_stray_result(void **state)
{
    (void)state;
    struct file_result result = {.token = 4711, .bytes = blob_from(SLICE("x"))};
    harness_step(h, &(struct master_event){.type = MASTER_FILE, .file = &result});
    file_result_deinit(&result);
    assert_int_equal(h->master->reads->look_count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_page_of_our_own), TEST(test_pages_of_a_folder),
        TEST(test_pages_that_are_not_there),      TEST(test_a_piece_of_the_log),
        TEST(test_what_is_asked_wrongly),         TEST(test_the_whole_log),
        TEST(test_what_there_is_to_read),         TEST(test_calls),
        TEST(test_not_too_many_at_a_time),        TEST(test_a_stray_result),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
