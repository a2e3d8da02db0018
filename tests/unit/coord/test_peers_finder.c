/* The finder on a loop, against masters that are played by a server for each: real connections, and
 * a worker that asks our name server. */
#include "../net/net_test.h"
#include "../unit.h"

#include "coord/peers_finder.h"
#include "election/college_message.h"
#include "names.h"
#include "net/server.h"
#include "wire/message.h"
#include "wire/pb.h"

#define MASTERS 3

struct master {
    struct server *server;
    struct address address;
    char host[INET_ADDRSTRLEN]; /* of it */
    uint64_t number, leader;    /* what it knows; 0 = nothing */
    int status;                 /* of its answers; 0 = 200, and what it knows */
    uint64_t held;              /* the handle of a question that waits; 0 = none */
    uint64_t held_number, held_stamp;
    int asked;
};

static struct {
    struct loop *loop;
    struct workers *workers;
    struct master masters[MASTERS];
    struct peers_finder *finder;
    uint64_t told; /* the leader that was told last; 0 = none */
    int told_count;
    uint64_t wanted; /* that is waited for */
} rig;

/* The leader n is at port n. */
static struct blob *info_of(uint64_t leader)
{
    Pb__MasterInfo info = PB__MASTER_INFO__INIT;
    char pid[64];
    (void)snprintf(pid, sizeof(pid), "master@10.0.0.1:%d", (int)leader);
    info.id = pid;
    info.pid = pid;
    return message_encode_blob(&info.base);
}

static void answer(struct master *master, uint64_t handle, uint64_t stamp)
{
    struct net_effects effects;
    struct blob *info = master->leader != 0 ? info_of(master->leader) : NULL;
    net_effects_init(&effects);
    net_respond(&effects, handle, master->status != 0 ? master->status : 200, COLLEGE_QUESTION_TYPE,
                college_message_encode(&(struct college_message){.kind = COLLEGE_TELL,
                                                                 .number = master->number,
                                                                 .stamp = stamp,
                                                                 .info = blob_slice(info)}));
    blob_unref(info);
    server_perform(master->server, net_effects_pop(&effects));
}

static void on_request(void *arg, const struct server_request *request)
{
    struct master *master = arg;
    struct college_message message;
    assert_true(slice_is(request->head->method, "POST"));
    assert_true(slice_is(request->head->path, COLLEGE_QUESTION_PATH));
    assert_true(college_message_decode(request->body, &message));
    master->asked++;
    if (message.kind == COLLEGE_WATCH && message.number >= master->number && master->status == 0) {
        assert_int_equal(master->held, 0);
        master->held = request->handle;
        master->held_number = message.number;
        master->held_stamp = message.stamp;
        return;
    }
    answer(master, request->handle, message.stamp);
}

static enum server_intake on_head(void *arg UNUSED, const struct http_head *head UNUSED)
{
    return SERVER_COLLECT;
}

static void on_body(void *arg UNUSED, uint64_t handle UNUSED, struct slice piece UNUSED,
                    bool ended UNUSED)
{
}

static void on_gone(void *arg, uint64_t handle)
{
    struct master *master = arg;
    assert_int_equal(handle, master->held);
    master->held = 0;
}

static const struct server_handlers handlers = {
    .on_head = on_head, .on_request = on_request, .on_body = on_body, .on_gone = on_gone};

/* Addresses of this host that are no other process', so that all masters can have one port. */
static struct address address_of(int i)
{
    struct address address = {.family = 4, .port = rig.masters[i].address.port};
    pid_t pid = getpid();
    const uint8_t ip[] = {127, (uint8_t)(i + 1), (uint8_t)(pid >> 8), (uint8_t)pid};
    memcpy(address.ip, ip, sizeof(ip));
    return address;
}

static void serve(int i)
{
    struct master *master = &rig.masters[i];
    struct address address = address_of(i);
    struct err err = {""};
    master->held = 0;
    master->server = server_new(&(struct server_options){
        .loop = rig.loop, .workers = rig.workers, .handlers = &handlers, .arg = master});
    assert_int_equal(server_listen(master->server, &address, &master->address, &err), 0);
}

static void on_leader(void *arg, const struct leader *leader)
{
    assert_ptr_equal(arg, &rig);
    rig.told = leader != NULL ? leader->pid.address.port : 0;
    rig.told_count++;
}

static void know(int i, uint64_t number, uint64_t leader)
{
    struct master *master = &rig.masters[i];
    master->number = number;
    master->leader = leader;
    if (master->held != 0 && number > master->held_number) {
        uint64_t handle = master->held;
        master->held = 0;
        answer(master, handle, master->held_stamp);
    }
}

static int set_up(void **state)
{
    (void)state;
    memset(&rig, 0, sizeof(rig));
    rig.loop = loop_new();
    rig.workers = workers_new(rig.loop, 1);
    names_clear();
    for (int i = 0; i < MASTERS; i++) {
        struct address address = address_of(i);
        assert_non_null(
            inet_ntop(AF_INET, address.ip, rig.masters[i].host, sizeof(rig.masters[i].host)));
        names_add("masters", rig.masters[i].host);
        rig.masters[i].address.port = i > 0 ? rig.masters[0].address.port : 0;
        serve(i);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rig.finder = peers_finder_free(rig.finder);
    for (int i = 0; i < MASTERS; i++) {
        server_free(rig.masters[i].server);
    }
    workers_free(rig.workers);
    loop_free(rig.loop);
    return 0;
}

/* All masters by one name. */
static void begin(void)
{
    char url[128];
    struct err err = {""};
    (void)snprintf(url, sizeof(url), "peers://masters:%d/", rig.masters[0].address.port);
    struct peers_finder_options options = {
        .loop = rig.loop, .url = slice_from(url), .seed = 1, .on_leader = on_leader, .arg = &rig};
    assert_int_equal(peers_finder_new(&options, &rig.finder, &err), 0);
}

static bool is_told(void *arg UNUSED)
{
    return rig.told == rig.wanted;
}

static void wait_leader(uint64_t leader)
{
    rig.wanted = leader;
    assert_true(wait_for(rig.loop, is_told, NULL, WAIT_NS));
}

static bool all_are_held(void *arg UNUSED)
{
    bool all = true;
    for (int i = 0; i < MASTERS; i++) {
        all &= rig.masters[i].held != 0;
    }
    return all;
}

static bool is_asked_again(void *arg)
{
    const struct master *master = arg;
    return master->asked > 0;
}

/* --- tests --- */

static void a_leader_is_found_by_a_name_and_followed(void **state)
{
    (void)state;
    for (int i = 0; i < MASTERS; i++) {
        know(i, 4, 51);
    }
    begin();
    wait_leader(51);
    assert_true(wait_for(rig.loop, all_are_held, NULL, WAIT_NS));
    know(2, 5, 53);
    wait_leader(53);
    know(0, 5, 53);
    know(1, 5, 53);
    assert_true(wait_for(rig.loop, all_are_held, NULL, WAIT_NS));
    assert_int_equal(rig.told_count, 2);
    peers_finder_tell_again(rig.finder);
    rig.told = 0;
    wait_leader(53);
    assert_int_equal(rig.told_count, 3);
}

static void a_master_that_ends_is_asked_again_when_it_is_back(void **state)
{
    (void)state;
    for (int i = 0; i < MASTERS; i++) {
        know(i, 4, 51);
    }
    begin();
    assert_true(wait_for(rig.loop, all_are_held, NULL, WAIT_NS));
    server_free(rig.masters[1].server);
    serve(1);
    rig.masters[1].asked = 0;
    know(1, 6, 52);
    assert_true(wait_for(rig.loop, is_asked_again, &rig.masters[1], WAIT_NS));
    wait_leader(52);
}

static void who_refuses_or_says_nothing_is_passed_over(void **state)
{
    (void)state;
    rig.masters[0].status = 404;
    know(0, 9, 59);
    know(1, 4, 51);
    know(2, 4, 51);
    begin();
    wait_leader(51);
    rig.masters[0].status = 0;
    wait_leader(59);
}

static void it_ends_whatever_is_under_way(void **state)
{
    (void)state;
    begin();
    rig.finder = peers_finder_free(rig.finder); /* before anything was done */
    begin();
    run_for(rig.loop, NS_PER_MS);
    rig.finder = peers_finder_free(rig.finder);
    begin();
    assert_true(wait_for(rig.loop, all_are_held, NULL, WAIT_NS));
    rig.finder = peers_finder_free(rig.finder);
    run_for(rig.loop, 10 * NS_PER_MS);
    assert_int_equal(rig.told_count, 0);
}

static void a_url_that_is_none_is_refused(void **state)
{
    (void)state;
    struct err err = {""};
    struct peers_finder_options options = {.loop = rig.loop, .url = SLICE("peers://a")};
    assert_int_equal(peers_finder_new(&options, &rig.finder, &err), -EINVAL);
    assert_null(rig.finder);
    assert_non_null(strstr(err.text, "is not host:port"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_leader_is_found_by_a_name_and_followed),
        TEST(a_master_that_ends_is_asked_again_when_it_is_back),
        TEST(who_refuses_or_says_nothing_is_passed_over),
        TEST(it_ends_whatever_is_under_way),
        TEST(a_url_that_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
