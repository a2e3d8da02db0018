#include "election/detector.h"

#include <stdlib.h>

#include "common/xalloc.h"

void detector_init(struct detector *detector, bool watches_list)
{
    *detector = (struct detector){.watches_list = watches_list, .wish = DETECTOR_CHILDREN};
}

static void set_leader(struct detector *detector, struct blob *leader)
{
    blob_unref(detector->leader);
    detector->leader = leader;
}

void detector_deinit(struct detector *detector)
{
    set_leader(detector, NULL);
    free(detector->lowest);
}

void detector_look(struct detector *detector)
{
    detector->wish = DETECTOR_CHILDREN;
}

void detector_broken(struct detector *detector)
{
    detector->op = 0;
    detector->asked = DETECTOR_NOTHING;
    detector_look(detector);
}

static void forget_lowest(struct detector *detector)
{
    free(detector->lowest);
    detector->lowest = NULL;
    detector->is_read = false;
}

void detector_lost(struct detector *detector)
{
    detector_broken(detector);
    forget_lowest(detector);
    detector->is_empty = false;
    detector->own_is_there = false;
    detector->why_none.text[0] = '\0';
    set_leader(detector, NULL);
}

bool detector_is_sure(const struct detector *detector)
{
    return detector->wish != DETECTOR_CHILDREN && detector->asked != DETECTOR_CHILDREN;
}

void detector_watch(struct detector *detector, const char *base, const char *path)
{
    size_t size = strlen(base);
    if (strncmp(path, base, size) != 0) {
        return;
    }
    if (path[size] == '\0') {
        detector_look(detector);
    } else if (path[size] == '/' && detector->lowest != NULL &&
               strcmp(path + size + 1, detector->lowest) == 0) {
        detector->is_read = false; /* deleted, or written to */
        detector_look(detector);
    }
}

/* --- answers --- */

static bool is_lower(int32_t number, const char *name, int32_t than, const char *than_name)
{
    return than_name == NULL || number < than || (number == than && strcmp(name, than_name) < 0);
}

static void listed(struct detector *detector, const struct zk_event *event, const char *own)
{
    const char *lowest = NULL;
    int32_t lowest_number = 0;
    detector->own_is_there = false;
    for (size_t i = 0; i < event->child_count; i++) {
        const char *name = event->children[i];
        enum leader_info_format format;
        int32_t number;
        if (!leader_info_parse_name(slice_from(name), &format, &number)) {
            continue;
        }
        detector->own_is_there |= own != NULL && strcmp(name, own) == 0;
        if (is_lower(number, name, lowest_number, lowest)) {
            lowest = name;
            lowest_number = number;
        }
    }
    detector->is_empty = lowest == NULL;
    if (lowest == NULL) {
        forget_lowest(detector);
        detector->why_none.text[0] = '\0';
        set_leader(detector, NULL);
    } else if (detector->lowest == NULL || strcmp(lowest, detector->lowest) != 0) {
        forget_lowest(detector);
        detector->lowest = xstrdup(lowest);
    }
}

static void read_data(struct detector *detector, struct slice data)
{
    enum leader_info_format format;
    int32_t number;
    bool good = leader_info_parse_name(slice_from(detector->lowest), &format, &number);
    ASSERT(good); /* or it would not be the lowest */
    detector->why_none.text[0] = '\0';
    set_leader(detector, leader_info_parse(format, data, &detector->why_none));
    detector->is_read = true;
}

static void answered(struct detector *detector, enum detector_wish asked,
                     const struct zk_event *event, const char *own)
{
    if (asked == DETECTOR_DATA) {
        read_data(detector, event->data);
    } else {
        listed(detector, event, own);
    }
    if (detector->wish != DETECTOR_NOTHING) {
        return; /* a watch has fired meanwhile */
    }
    if (detector->is_empty && !detector->watched) {
        detector->wish = DETECTOR_CHILDREN; /* the first master must not come unseen */
    } else if (!detector->is_empty && !detector->is_read) {
        detector->wish = DETECTOR_DATA;
    }
}

bool detector_done(struct detector *detector, struct link *link, int64_t now_ns,
                   const struct zk_event *event, const char *own)
{
    if (detector->op == 0 || event->op != detector->op) {
        return true;
    }
    enum detector_wish asked = detector->asked;
    detector->op = 0;
    detector->asked = DETECTOR_NOTHING;
    switch (event->error) {
    case ZK_OK:
        link_went_well(link);
        answered(detector, asked, event, own);
        return true;
    case ZK_NO_NODE:
        if (asked == DETECTOR_CHILDREN) {
            link_prepare(link, now_ns);
        }
        detector->is_read = false;
        detector_look(detector);
        return true;
    case ZK_UNKNOWN:
        link_pause(link, now_ns);
        detector_look(detector);
        return true;
    case ZK_NODE_EXISTS:
    case ZK_NO_AUTH:
    case ZK_REFUSED:
        (void)err_set(&link->why, 0, "Failed to detect the leading master in ZooKeeper: %s",
                      event->text != NULL ? event->text : zk_error_text(event->error));
        return false;
    }
    WRONG("an error that is none");
}

void detector_advance(struct detector *detector, struct link *link, const char *path,
                      struct zk_effects *effects)
{
    if (detector->op != 0 || detector->wish == DETECTOR_NOTHING || !link_may_ask(link)) {
        return;
    }
    struct zk_effect *effect;
    if (detector->wish == DETECTOR_DATA) {
        effect = link_ask(link, ZK_GET_DATA, xasprintf("%s/%s", path, detector->lowest), effects);
        effect->watch = true;
    } else {
        effect = link_ask(link, ZK_GET_CHILDREN, xstrdup(path), effects);
        effect->watch = detector->watched = detector->watches_list || detector->is_empty;
    }
    detector->op = effect->op;
    detector->asked = detector->wish;
    detector->wish = DETECTOR_NOTHING;
}
