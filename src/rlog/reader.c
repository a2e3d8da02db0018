#include "rlog/reader.h"

#include <errno.h>
#include <stdlib.h>

#include "common/xalloc.h"
#include "rlog/network.h"
#include "rlog/rlog.h"

void rlog_reader_init(struct rlog_reader *reader)
{
    *reader = (struct rlog_reader){0};
    list_init(&reader->reads);
    rlog_round_init(&reader->follow.round);
    rlog_catchup_init(&reader->follow.catchup);
}

static void read_free(struct rlog_reader *reader, struct rlog_read *read)
{
    list_remove(&read->link);
    reader->read_count--;
    free(read);
}

void rlog_reader_stop(struct rlog_reader *reader, const struct rlog_parts *parts)
{
    struct rlog_read *read;
    LIST_FOR_EACH (read, &reader->reads, link) {
        read_free(reader, read);
    }
    rlog_round_end(&reader->follow.round, parts);
    rlog_catchup_stop(&reader->follow.catchup, parts);
    reader->follow.running = false;
}

/* --- entries and bounds --- */

static enum rlog_answer_type answer_type(enum rlog_read_type type)
{
    switch (type) {
    case RLOG_READ_ENTRIES:
        return RLOG_ANSWER_ENTRIES;
    case RLOG_READ_BOUNDS:
        return RLOG_ANSWER_BOUNDS;
    }
    WRONG("rlog_read_type");
}

static void refuse(struct rlog_reader *reader, const struct rlog_parts *parts,
                   struct rlog_read *read, int status, const char *text)
{
    struct rlog_answer *answer =
        rlog_answer(parts->effects, answer_type(read->type), read->token, status);
    answer->last = true;
    err_set(&answer->err, 0, "%s", text);
    read_free(reader, read);
}

void rlog_reader_read(struct rlog_reader *reader, const struct rlog_parts *parts,
                      enum rlog_read_type type, uint64_t token, uint64_t from, uint64_t to)
{
    if (reader->read_count >= RLOG_READS_MAX) {
        rlog_answer(parts->effects, answer_type(type), token, -EAGAIN)->last = true;
        return;
    }
    struct rlog_read *read = xalloc(sizeof(*read));
    read->type = type;
    read->token = token;
    read->from = from;
    read->to = to;
    list_push_back(&reader->reads, &read->link);
    reader->read_count++;
}

/* The reference's texts. */
static const char *check_range(const struct rlog_replica *replica, const struct rlog_read *read)
{
    if (read->to < read->from) {
        return "Bad read range (to < from)";
    }
    if (read->from < replica->begin) {
        return "Bad read range (truncated position)";
    }
    return replica->end < read->to ? "Bad read range (past end of log)" : NULL;
}

static void answer_bounds(struct rlog_reader *reader, const struct rlog_parts *parts,
                          struct rlog_read *read)
{
    struct rlog_answer *answer = rlog_answer(parts->effects, RLOG_ANSWER_BOUNDS, read->token, 0);
    answer->begin = parts->replica->begin;
    answer->end = parts->replica->end;
    answer->last = true;
    read_free(reader, read);
}

static bool read_advance(struct rlog_reader *reader, const struct rlog_parts *parts,
                         struct rlog_read *read)
{
    struct rlog_replica *replica = parts->replica;
    if (read->store_token != 0) {
        return false;
    }
    if (!read->is_gated) {
        read->is_gated = true;
        read->batch = rlog_replica_last_batch(replica);
    }
    if (!rlog_replica_is_durable(replica, read->batch)) {
        return false;
    }
    if (read->type == RLOG_READ_BOUNDS) {
        answer_bounds(reader, parts, read);
        return true;
    }
    const char *wrong = check_range(replica, read);
    if (wrong != NULL) {
        refuse(reader, parts, read, RLOG_E_RANGE, wrong);
        return true;
    }
    struct rlog_store_op *op = rlog_store_op_new(RLOG_STORE_READ, (*replica->next_token)++);
    op->from = read->from;
    op->to = read->to;
    op->size_max = RLOG_READ_SIZE_MAX;
    read->store_token = op->token;
    rlog_store_ops_put(&parts->effects->store, op);
    return true;
}

static void add_entry(struct rlog_answer *answer, const struct rlog_action *action)
{
    answer->entries =
        xrealloc(answer->entries, answer->entry_count + 1, sizeof(answer->entries[0]));
    answer->entries[answer->entry_count++] =
        (struct rlog_entry){action->position, blob_ref(action->bytes)};
}

static void read_piece(struct rlog_reader *reader, const struct rlog_parts *parts,
                       struct rlog_read *read, const struct rlog_store_done *done)
{
    uint64_t next = read->from;
    for (size_t i = 0; i < done->action_count; i++, next++) {
        if (done->actions[i].position != next) {
            break;
        }
        if (!done->actions[i].learned) {
            refuse(reader, parts, read, RLOG_E_PENDING,
                   "Bad read range (includes pending entries)");
            return;
        }
    }
    bool is_whole = next == read->from + done->action_count && done->action_count > 0 &&
                    (done->more || next == read->to + 1);
    if (!is_whole) {
        bool truncated = read->from < parts->replica->begin;
        refuse(reader, parts, read, truncated ? RLOG_E_RANGE : RLOG_E_PENDING,
               truncated ? "Bad read range (truncated position)"
                         : "Bad read range (includes missing entries)");
        return;
    }
    struct rlog_answer *answer = rlog_answer(parts->effects, RLOG_ANSWER_ENTRIES, read->token, 0);
    for (size_t i = 0; i < done->action_count; i++) {
        if (done->actions[i].type == RLOG_ACTION_APPEND) {
            add_entry(answer, &done->actions[i]);
        }
    }
    read->from = next;
    answer->last = !done->more || next > read->to;
    if (answer->last) {
        read_free(reader, read);
    }
}

bool rlog_reader_stored(struct rlog_reader *reader, const struct rlog_parts *parts,
                        const struct rlog_store_done *done)
{
    struct rlog_read *read;
    LIST_FOR_EACH (read, &reader->reads, link) {
        if (read->store_token != done->token) {
            continue;
        }
        read->store_token = 0;
        if (done->status != 0) {
            refuse(reader, parts, read, done->status, done->text != NULL ? done->text : "");
        } else {
            read_piece(reader, parts, read, done);
        }
        return true;
    }
    return false;
}

/* --- catching up --- */

static void follow_end(struct rlog_follow *follow, const struct rlog_parts *parts, int status,
                       const char *text)
{
    struct rlog_answer *answer =
        rlog_answer(parts->effects, RLOG_ANSWER_CAUGHT_UP, follow->token, status);
    answer->position = follow->end;
    err_set(&answer->err, 0, "%s", text);
    rlog_round_end(&follow->round, parts);
    rlog_catchup_stop(&follow->catchup, parts);
    follow->running = follow->is_catching = false;
}

void rlog_reader_catchup(struct rlog_reader *reader, const struct rlog_parts *parts, uint64_t token)
{
    if (reader->follow.running) {
        rlog_answer(parts->effects, RLOG_ANSWER_CAUGHT_UP, token, -EALREADY);
        return;
    }
    reader->follow.running = true;
    reader->follow.token = token;
}

static bool follow_decide(struct rlog_follow *follow, const struct rlog_parts *parts)
{
    const struct rlog_round *round = &follow->round;
    if (round->voting_count < parts->quorum) {
        if (rlog_round_is_complete(round)) {
            follow_end(follow, parts, RLOG_E_PENDING,
                       "Failed to recover begin and end positions of the log");
            return true;
        }
        return false;
    }
    if (round->low >= round->high) {
        follow_end(follow, parts, RLOG_E_RANGE, "Recovered only 1 position, cannot catch-up");
        return true;
    }
    /* Not the last one: it may be the coordinator's, which would lose its promise. */
    follow->end = round->high - 1;
    follow->begin = round->low;
    follow->is_catching = true;
    rlog_round_end(&follow->round, parts);
    return true;
}

/* False if nothing is missing. */
static bool follow_catch_up(struct rlog_follow *follow, const struct rlog_parts *parts)
{
    struct rlog_positions missing = {0};
    uint64_t begin = MIN(follow->begin, parts->replica->begin);
    rlog_replica_missing(parts->replica, begin, follow->end, &missing);
    if (rlog_positions_is_empty(&missing)) {
        rlog_positions_deinit(&missing);
        return false;
    }
    rlog_catchup_start(&follow->catchup, parts, &missing, 0);
    return true;
}

static bool follow_advance(struct rlog_follow *follow, const struct rlog_parts *parts)
{
    if (!follow->running) {
        return false;
    }
    if (follow->catchup.running) {
        return rlog_catchup_advance(&follow->catchup, parts);
    }
    if (follow->is_catching) {
        if (!follow_catch_up(follow, parts)) {
            follow_end(follow, parts, 0, "");
        }
        return true;
    }
    if (follow->round.outcome == RLOG_ROUND_IDLE) {
        struct rlog_message request = {.type = RLOG_RECOVER_REQUEST};
        rlog_round_begin(&follow->round, parts, &request);
        return true;
    }
    return follow_decide(follow, parts);
}

bool rlog_reader_advance(struct rlog_reader *reader, const struct rlog_parts *parts, bool recovered)
{
    if (!recovered || parts->replica->state != RLOG_REPLICA_READY) {
        return false;
    }
    bool moved = false;
    struct rlog_read *read;
    LIST_FOR_EACH (read, &reader->reads, link) {
        moved |= read_advance(reader, parts, read);
    }
    moved |= follow_advance(&reader->follow, parts);
    return moved;
}
