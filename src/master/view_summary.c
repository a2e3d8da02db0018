/* /state-summary: how many tasks of each state agents and frameworks have, and who has them
 * where. */
#include "master/view_parts.h"

/* An id in somebody's list, in order of finding. */
struct seen {
    struct seen *next;
    struct slice id; /* in a record */
};

struct seen_list {
    struct seen *first;
    struct seen **last; /* where the next is put; NULL while it is empty */
};

/* What is counted for an agent, also for one that is not there any more. */
struct agent_tally {
    struct map_link by_id; /* summary->agents */
    struct slice id;       /* in a record */
    size_t counts[TASK_STATES];
    struct seen_list frameworks; /* with tasks here */
    uint32_t stamp;              /* the last framework that was seen here, + 1 */
};

struct framework_tally {
    size_t counts[TASK_STATES];
    struct seen_list agents; /* where it has tasks */
};

struct summary {
    struct view_index *index;
    struct map agents;                  /* struct agent_tally by id */
    struct agent_tally **agent_at;      /* by slot */
    struct framework_tally *frameworks; /* by slot */
};

static struct slice tally_key(const struct map_link *link)
{
    return CONTAINER_OF(link, struct agent_tally, by_id)->id;
}

static struct agent_tally *find_tally(struct summary *summary, struct slice id)
{
    struct map_link *link = map_find(&summary->agents, id);
    if (link != NULL) {
        return CONTAINER_OF(link, struct agent_tally, by_id);
    }
    struct agent_tally *tally = ARENA_NEW(&summary->index->arena, struct agent_tally);
    tally->id = id;
    map_add(&summary->agents, &tally->by_id);
    return tally;
}

static void add_seen(struct summary *summary, struct seen_list *list, struct slice id)
{
    struct seen *seen = ARENA_NEW(&summary->index->arena, struct seen);
    seen->id = id;
    if (list->last == NULL) {
        list->last = &list->first;
    }
    *list->last = seen;
    list->last = &seen->next;
}

static void count_tasks(struct summary *summary, const struct framework_record *framework,
                        const struct view_tasks *tasks)
{
    struct framework_tally *mine = &summary->frameworks[framework->slot];
    for (size_t i = 0; i < tasks->count; i++) {
        const struct task_record *record = tasks->items[i].record;
        struct agent_tally *agent = record->place == TASK_ACTIVE
                                        ? summary->agent_at[record->agent]
                                        : find_tally(summary, blob_slice(record->agent_id));
        mine->counts[record->state]++;
        agent->counts[record->state]++;
        if (agent->stamp != framework->slot + 1) {
            agent->stamp = framework->slot + 1;
            add_seen(summary, &agent->frameworks, blob_slice(framework->id));
            add_seen(summary, &mine->agents, agent->id);
        }
    }
}

static void count_all(struct summary *summary)
{
    struct view_index *index = summary->index;
    for (size_t i = 0; i < index->registered.count; i++) {
        const struct agent_record *agent = index->registered.items[i];
        summary->agent_at[agent->slot] = find_tally(summary, blob_slice(agent->id));
    }
    for (size_t i = 0; i < index->running.count; i++) {
        const struct framework_record *framework = index->running.items[i];
        for (int place = 0; place < VIEW_PLACES; place++) {
            count_tasks(summary, framework,
                        view_index_tasks(index, framework->slot, (enum task_place)place));
        }
    }
}

static void put_counts(const size_t counts[TASK_STATES], struct json_writer *w)
{
    static const enum task_state shown[] = {
        TASK_STATE_STAGING,  TASK_STATE_STARTING,    TASK_STATE_RUNNING, TASK_STATE_KILLING,
        TASK_STATE_FINISHED, TASK_STATE_KILLED,      TASK_STATE_FAILED,  TASK_STATE_LOST,
        TASK_STATE_ERROR,    TASK_STATE_UNREACHABLE,
    };
    for (size_t i = 0; i < ELEMENTS(shown); i++) {
        json_key(w, master_task_state_name(shown[i]));
        json_uint(w, counts[shown[i]]);
    }
}

static void put_seen(const char *key, const struct seen_list *list, struct json_writer *w)
{
    json_key(w, key);
    json_begin_array(w);
    for (const struct seen *seen = list->first; seen != NULL; seen = seen->next) {
        json_string(w, seen->id);
    }
    json_end_array(w);
}

static void put_agents(struct summary *summary, struct json_writer *w)
{
    struct view_index *index = summary->index;
    json_key(w, "slaves");
    json_begin_array(w);
    for (size_t i = 0; i < index->registered.count; i++) {
        const struct agent_record *record = index->registered.items[i];
        const struct agent_tally *tally = summary->agent_at[record->slot];
        json_begin_object(w);
        master_view_put_agent(index, record, w);
        put_counts(tally->counts, w);
        put_seen("framework_ids", &tally->frameworks, w);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_frameworks(struct summary *summary, struct json_writer *w)
{
    struct view_index *index = summary->index;
    json_key(w, "frameworks");
    json_begin_array(w);
    for (size_t i = 0; i < index->running.count; i++) {
        const struct framework_record *record = index->running.items[i];
        const struct framework_tally *tally = &summary->frameworks[record->slot];
        json_begin_object(w);
        master_view_put_framework_summary(index, record, w);
        put_counts(tally->counts, w);
        put_seen("slave_ids", &tally->agents, w);
        json_end_object(w);
    }
    json_end_array(w);
}

void master_view_write_summary(const struct view_input *input, struct buf *out)
{
    const struct master_snapshot *snapshot = input->snapshot;
    struct view_index index;
    struct json_writer w;
    master_view_index_init(&index, snapshot, VIEW_WANTS_ALL, input->seed);
    struct summary summary = {
        .index = &index,
        .agent_at = arena_alloc_array(&index.arena, snapshot->agents.slots + 1,
                                      sizeof(summary.agent_at[0])),
        .frameworks = arena_alloc_array(&index.arena, snapshot->frameworks.slots + 1,
                                        sizeof(summary.frameworks[0])),
    };
    map_init(&summary.agents, tally_key, input->seed);
    count_all(&summary);
    json_writer_init(&w, out);
    json_begin_object(&w);
    json_raw(&w, input->head);
    put_agents(&summary, &w);
    put_frameworks(&summary, &w);
    json_end_object(&w);
    map_deinit(&summary.agents);
    master_view_index_deinit(&index);
}
