#include "election/group.h"

#include <stdlib.h>

#include "common/xalloc.h"
#include "election/leader_info.h"

void group_init(struct group *group, const char *base, const char *pid)
{
    *group = (struct group){.is_stale = true};
    list_init(&group->members);
    if (pid != NULL) {
        group->path = xasprintf("%s/" GROUP_NAME, base);
        group->own_pid = xstrdup(pid);
    }
}

static void remove_member(struct group *group, struct group_member *member)
{
    if (group->reading == member) {
        group->reading = NULL;
    }
    list_remove(&member->link);
    free(member->name);
    free(member);
    group->member_count--;
}

void group_deinit(struct group *group)
{
    struct group_member *member;
    LIST_FOR_EACH (member, &group->members, link) {
        remove_member(group, member);
    }
    free(group->path);
    free(group->own_pid);
    free(group->own_name);
    free(group->told);
}

void group_broken(struct group *group)
{
    group->create_op = group->list_op = group->data_op = 0;
    group->reading = NULL;
    group->is_stale = true;
}

static void forget_own(struct group *group)
{
    free(group->own_name);
    group->own_name = NULL;
}

/* The path may be made anew, and then names come again. */
static void forget_data(struct group *group)
{
    struct group_member *member;
    LIST_FOR_EACH (member, &group->members, link) {
        member->is_read = false;
    }
}

void group_lost(struct group *group)
{
    group_broken(group);
    forget_own(group);
    forget_data(group);
}

void group_watch(struct group *group, const char *path)
{
    group->is_stale |= group->path != NULL && strcmp(path, group->path) == 0;
}

/* --- answers --- */

static struct group_member *find(const struct group *group, const char *name)
{
    struct group_member *member;
    LIST_FOR_EACH (member, &group->members, link) {
        if (strcmp(member->name, name) == 0) {
            return member;
        }
    }
    return NULL;
}

static void list_member(struct group *group, const char *name)
{
    enum leader_info_format format;
    int32_t number;
    if (find(group, name) != NULL || group->member_count == GROUP_MEMBERS_MAX ||
        !leader_info_parse_name(slice_from(name), &format, &number)) {
        return;
    }
    struct group_member *member = xalloc(sizeof(*member));
    member->name = xstrdup(name);
    list_push_back(&group->members, &member->link);
    group->member_count++;
}

static bool has_child(const struct zk_event *event, const char *name)
{
    for (size_t i = 0; i < event->child_count; i++) {
        if (strcmp(event->children[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static void listed(struct group *group, const struct zk_event *event)
{
    struct group_member *member;
    /* Who went goes first, so that there is room for who came. */
    LIST_FOR_EACH (member, &group->members, link) {
        if (!has_child(event, member->name)) {
            remove_member(group, member);
        }
    }
    for (size_t i = 0; i < event->child_count; i++) {
        list_member(group, event->children[i]);
    }
    group->is_new = true;
    if (group->own_name != NULL && !has_child(event, group->own_name)) {
        forget_own(group);
    }
}

static void read_member(struct group *group, struct slice data)
{
    struct group_member *member = group->reading;
    group->reading = NULL;
    if (member != NULL) {
        member->is_read = true;
        member->is_good = upid_parse(slice_trim(data), &member->pid) && !upid_is_none(&member->pid);
    }
}

static void created(struct group *group, const char *path)
{
    const char *slash = path != NULL ? strrchr(path, '/') : NULL;
    forget_own(group);
    group->own_name = xstrdup(slash != NULL ? slash + 1 : "");
    group->is_stale = true;
}

/* Which of the three is answered; NULL = none. */
static uint64_t *find_op(struct group *group, uint64_t op)
{
    uint64_t *ops[] = {&group->create_op, &group->list_op, &group->data_op};
    for (size_t i = 0; op != 0 && i < ELEMENTS(ops); i++) {
        if (*ops[i] == op) {
            return ops[i];
        }
    }
    return NULL;
}

bool group_done(struct group *group, struct link *link, int64_t now_ns,
                const struct zk_event *event)
{
    uint64_t *op = find_op(group, event->op);
    if (op == NULL) {
        return true;
    }
    *op = 0;
    switch (event->error) {
    case ZK_OK:
        link_went_well(link);
        if (op == &group->create_op) {
            created(group, event->path);
        } else if (op == &group->list_op) {
            listed(group, event);
        } else {
            read_member(group, event->data);
        }
        return true;
    case ZK_NO_NODE:
        group->is_stale = true;
        group->reading = NULL;
        if (op != &group->data_op) {
            forget_data(group);
            link_prepare(link, now_ns);
        }
        return true;
    case ZK_UNKNOWN: /* a second node with our UPID does no harm */
        group->is_stale = true;
        link_pause(link, now_ns);
        return true;
    case ZK_NODE_EXISTS:
    case ZK_NO_AUTH:
    case ZK_REFUSED:
        (void)err_set(&link->why, 0, "Failed to watch the log's replicas in ZooKeeper: %s",
                      event->text != NULL ? event->text : zk_error_text(event->error));
        return false;
    }
    WRONG("an error that is none");
}

/* --- questions --- */

static struct group_member *find_unread(const struct group *group)
{
    struct group_member *member;
    LIST_FOR_EACH (member, &group->members, link) {
        if (!member->is_read) {
            return member;
        }
    }
    return NULL;
}

void group_advance(struct group *group, struct link *link, struct zk_effects *effects)
{
    if (group->path == NULL || !link_may_ask(link)) {
        return;
    }
    struct zk_effect *effect;
    if (group->own_name == NULL && group->create_op == 0) {
        effect = link_ask(link, ZK_CREATE, xasprintf("%s/", group->path), effects);
        effect->ephemeral = true;
        effect->restricted = link->credentials != NULL;
        effect->data = blob_from(slice_from(group->own_pid));
        group->create_op = effect->op;
    }
    struct group_member *unread = find_unread(group);
    if (group->list_op != 0 || group->data_op != 0) {
        return;
    }
    if (group->is_stale) {
        effect = link_ask(link, ZK_GET_CHILDREN, xstrdup(group->path), effects);
        effect->watch = true;
        group->list_op = effect->op;
        group->is_stale = false;
    } else if (unread != NULL) {
        effect =
            link_ask(link, ZK_GET_DATA, xasprintf("%s/%s", group->path, unread->name), effects);
        group->data_op = effect->op;
        group->reading = unread;
    }
}

/* --- news --- */

static int compare_pids(const void *left, const void *right)
{
    return memcmp(left, right, sizeof(struct upid));
}

bool group_take_news(struct group *group)
{
    if (!group->is_new || group->is_stale || group->list_op != 0 || find_unread(group) != NULL) {
        return false;
    }
    group->is_new = false;
    struct upid *pids = xcalloc(group->member_count + 1, sizeof(*pids));
    size_t count = 0;
    struct group_member *member;
    LIST_FOR_EACH (member, &group->members, link) {
        if (member->is_good) {
            pids[count++] = member->pid;
        }
    }
    qsort(pids, count, sizeof(*pids), compare_pids);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || !upid_equal(&pids[kept - 1], &pids[i])) {
            pids[kept++] = pids[i];
        }
    }
    if (group->told != NULL && kept == group->told_count &&
        memcmp(pids, group->told, kept * sizeof(*pids)) == 0) {
        free(pids);
        return false;
    }
    free(group->told);
    group->told = pids;
    group->told_count = kept;
    return true;
}
