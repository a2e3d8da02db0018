/*
 * One position, three replicas, several proposers, and a network that delivers in any order, late,
 * twice or never, while replicas restart: at most one value is ever decided. The proposers are the
 * plainest there are, so that what is tested is the replica.
 *
 * First all orders of a small case, then many random ones of larger cases.
 */
#include "../unit.h"

#include "common/prng.h"
#include "one_replica.h"

#define REPLICAS 3
#define QUORUM 2
#define PROPOSERS 4
#define POSITION 1

struct proposer {
    uint64_t proposal;
    bool is_implicit;
    char value[8];        /* what it would like */
    int promises;         /* by how many */
    bool asked[REPLICAS]; /* counted already */
    uint64_t best;        /* performed by that number */
    char best_value[8];   /* "" = nothing found */
    bool is_writing;
    int accepts;
    bool wrote[REPLICAS];
};

static struct one_replica replicas[REPLICAS];
static struct proposer proposers[PROPOSERS];
static char decided[8];

static void start(void)
{
    for (int i = 0; i < REPLICAS; i++) {
        one_start(&replicas[i]);
    }
    memset(proposers, 0, sizeof(proposers));
    decided[0] = '\0';
}

static void stop(void)
{
    for (int i = 0; i < REPLICAS; i++) {
        one_deinit(&replicas[i]);
    }
}

static void ask_promise(struct proposer *proposer, int to)
{
    struct rlog_message answer = one_answer(
        &replicas[to], proposer->is_implicit ? one_promise_all(proposer->proposal)
                                             : one_promise(proposer->proposal, POSITION));
    /* What comes after it has begun to write does not change its mind. */
    if (answer.vote == RLOG_ACCEPT && !proposer->asked[to] && !proposer->is_writing) {
        proposer->asked[to] = true;
        /* Of an implicit promise nothing is learned about positions up to the end: such a proposer
         * must not write there (the coordinator fills them by explicit promises). */
        if (proposer->is_implicit && answer.position >= POSITION) {
            rlog_message_deinit(&answer);
            return;
        }
        proposer->promises++;
        if (answer.has_action && answer.action.type != RLOG_ACTION_NONE &&
            (answer.action.learned || answer.action.performed > proposer->best)) {
            proposer->best = answer.action.learned ? UINT64_MAX : answer.action.performed;
            (void)snprintf(proposer->best_value, sizeof(proposer->best_value), "%s",
                           answer.action.bytes->data);
        }
    }
    proposer->is_writing |= proposer->promises >= QUORUM;
    rlog_message_deinit(&answer);
}

static const char *value_of(const struct proposer *proposer)
{
    return proposer->best_value[0] != '\0' ? proposer->best_value : proposer->value;
}

static void ask_write(struct proposer *proposer, int to)
{
    if (!proposer->is_writing) {
        return;
    }
    int vote = one_vote(&replicas[to], one_write(proposer->proposal, POSITION, value_of(proposer)));
    if (vote != RLOG_ACCEPT || proposer->wrote[to]) {
        return;
    }
    proposer->wrote[to] = true;
    if (++proposer->accepts == QUORUM) {
        if (decided[0] == '\0') {
            (void)snprintf(decided, sizeof(decided), "%s", value_of(proposer));
        }
        assert_string_equal(decided, value_of(proposer));
    }
}

static void tell(struct proposer *proposer, int to)
{
    if (proposer->accepts >= QUORUM) {
        one_learn(&replicas[to], one_action(proposer->proposal, POSITION, decided, true));
        one_settle(&replicas[to]);
    }
}

/* --- all orders --- */

/* What is delivered when: two proposers with two messages to each replica, every order of them that
 * keeps a proposer's own order to one replica. Run anew for each order. */
#define STEPS (2 * 2 * REPLICAS)

static bool next_order(int order[STEPS])
{
    int i = STEPS - 1;
    while (i > 0 && order[i - 1] >= order[i]) {
        i--;
    }
    if (i == 0) {
        return false;
    }
    int j = STEPS - 1;
    while (order[j] <= order[i - 1]) {
        j--;
    }
    int swap = order[i - 1];
    order[i - 1] = order[j];
    order[j] = swap;
    for (int low = i, high = STEPS - 1; low < high; low++, high--) {
        swap = order[low];
        order[low] = order[high];
        order[high] = swap;
    }
    return true;
}

/* Lanes are (proposer, replica); an order is a word over lanes, each twice. There are 12!/2^6, so
 * every 101st is played. */
static void all_orders_of_two_proposers(void **state UNUSED)
{
    int order[STEPS];
    for (int i = 0; i < STEPS; i++) {
        order[i] = i / 2;
    }
    uint64_t number = 0;
    uint64_t decisions = 0;
    do {
        if (number++ % 101 != 0) {
            continue;
        }
        start();
        bool promised[2 * REPLICAS] = {false};
        for (uint64_t p = 0; p < 2; p++) {
            proposers[p].proposal = p + 1;
            (void)snprintf(proposers[p].value, sizeof(proposers[p].value), "v%d", (int)p);
        }
        for (int i = 0; i < STEPS; i++) {
            struct proposer *proposer = &proposers[order[i] / REPLICAS];
            if (!promised[order[i]]) {
                promised[order[i]] = true;
                ask_promise(proposer, order[i] % REPLICAS);
            } else {
                ask_write(proposer, order[i] % REPLICAS);
            }
        }
        decisions += decided[0] != '\0';
        stop();
    } while (next_order(order));
    assert_int_equal(number, 7484400);
    assert_true(decisions > 100);
}

/* --- random orders --- */

static uint64_t run_seed(uint64_t seed)
{
    struct prng prng;
    prng_seed(&prng, seed);
    start();
    for (uint64_t p = 0; p < PROPOSERS; p++) {
        proposers[p].proposal = p + 1;
        proposers[p].is_implicit = prng_below(&prng, 3) == 0;
        (void)snprintf(proposers[p].value, sizeof(proposers[p].value), "v%d", (int)p);
    }
    for (int step = 0; step < 60; step++) {
        struct proposer *proposer = &proposers[prng_below(&prng, PROPOSERS)];
        int to = (int)prng_below(&prng, REPLICAS);
        switch (prng_below(&prng, 8)) {
        case 0:
            one_restart(&replicas[to]);
            break;
        case 1:
            tell(proposer, to);
            break;
        case 2:
        case 3:
        case 4:
            ask_promise(proposer, to);
            break;
        default:
            ask_write(proposer, to);
            break;
        }
    }
    uint64_t any = decided[0] != '\0';
    stop();
    return any;
}

static void many_random_orders(void **state UNUSED)
{
    uint64_t decisions = 0;
    for (uint64_t seed = 1; seed <= 60000; seed++) {
        decisions += run_seed(seed);
    }
    assert_true(decisions > 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_orders_of_two_proposers),
        cmocka_unit_test(many_random_orders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
