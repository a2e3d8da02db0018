#include "allocator/alloc_visit.h"

#include "allocator/alloc.h"

struct visit {
    struct alloc *a;
    struct alloc_agent *agent;
    enum alloc_stage stage;
    bool is_held; /* somebody was held back */
};

static bool is_over(const struct visit *v)
{
    return resources_is_empty(&v->agent->available);
}

static struct alloc_client *client_of(const struct alloc *a, uint32_t id)
{
    return CONTAINER_OF(a->client_nodes.nodes[id], struct alloc_client, node);
}

static void offer(struct visit *v, struct alloc_client *client)
{
    switch (alloc_offer(v->a, v->agent, client, v->stage)) {
    case ALLOC_NOTHING:
        break;
    case ALLOC_HELD_BACK:
        v->is_held = true;
        break;
    case ALLOC_OFFERED:
    case ALLOC_REFUSED:
        if (!v->agent->has_shared && !is_over(v)) {
            alloc_agent_note_refusal(v->agent, client);
        }
        break;
    }
}

/* Is anything left that the role may use? */
static bool has_for_role(const struct alloc_agent *agent, const struct alloc_role *role)
{
    if (agent->is_plain) {
        return !resources_is_empty(&agent->available);
    }
    for (uint32_t i = 0; i < agent->available.count; i++) {
        if (alloc_role_may_use(role, agent->available.items[i].kind)) {
            return true;
        }
    }
    return false;
}

static bool is_turn_of_role(const struct visit *v, const struct alloc_role *role)
{
    return (v->stage == ALLOC_STAGE_ALL || role->is_unsatisfied) && has_for_role(v->agent, role);
}

/* The role's clients, in order. */
static void visit_clients(struct visit *v, struct alloc_role *role)
{
    struct alloc *a = v->a;
    if (!is_turn_of_role(v, role)) {
        return;
    }
    if (a->has_random_frameworks) {
        alloc_random_begin_clients(a, role);
    } else {
        drf_order_settle(&role->clients, &a->client_nodes, &a->totals);
    }
    for (uint32_t place = 0;; place++) {
        uint32_t id = UINT32_MAX;
        if (a->has_random_frameworks) {
            id = alloc_random_next_client(a);
        } else if (place < role->clients.count) {
            id = role->clients.ids[place];
        }
        if (id == UINT32_MAX) {
            return;
        }
        if (alloc_agent_is_refused(v->agent, id) || alloc_agent_is_excluded(v->agent, id)) {
            continue;
        }
        offer(v, client_of(a, id));
        if (!is_turn_of_role(v, role)) {
            return;
        }
    }
}

/* --- roles --- */

static void settle_path(struct alloc *a, struct alloc_role *role)
{
    for (; role != NULL; role = role->parent) {
        drf_order_settle(&role->order, &a->role_nodes, &a->totals);
    }
}

/* Two different roles: by the subtrees in which they lie under their nearest common ancestor; that
 * one itself by its virtual leaf. */
static int compare_roles(const struct alloc_role *a, const struct alloc_role *b)
{
    uint32_t depth_a = 0;
    uint32_t depth_b = 0;
    for (const struct alloc_role *r = a; r->parent != NULL; r = r->parent) {
        depth_a++;
    }
    for (const struct alloc_role *r = b; r->parent != NULL; r = r->parent) {
        depth_b++;
    }
    const struct drf_node *node_a = &a->self;
    const struct drf_node *node_b = &b->self;
    while (a != b) {
        if (depth_a >= depth_b && depth_a > 0) {
            node_a = &a->tree;
            a = a->parent;
            depth_a--;
        } else {
            node_b = &b->tree;
            b = b->parent;
            depth_b--;
        }
    }
    return drf_node_compare(node_a, node_b);
}

/* Roles in the order of a walk through the tree, siblings by share. */
static void visit_tree(struct visit *v)
{
    struct alloc *a = v->a;
    struct alloc_role *at = a->root;
    at->cursor = 0;
    drf_order_settle(&at->order, &a->role_nodes, &a->totals);
    while (!is_over(v)) {
        if (at->cursor == at->order.count) {
            if (at->parent == NULL) {
                return;
            }
            at = at->parent;
            continue;
        }
        uint32_t id = at->order.ids[at->cursor++];
        struct alloc_role *role = a->role_list[id / 2];
        bool is_self = id % 2 == 1;
        if (is_self || role->listed_children == 0) {
            visit_clients(v, role);
        } else {
            at = role;
            at->cursor = 0;
            drf_order_settle(&at->order, &a->role_nodes, &a->totals);
        }
    }
}

/* The same for the few whose guarantee is not met. */
static void visit_unsatisfied(struct visit *v)
{
    struct alloc *a = v->a;
    struct alloc_role *left[ALLOC_VISIT_FEW];
    uint32_t count = a->unsatisfied_count;
    for (uint32_t i = 0; i < count; i++) {
        left[i] = a->unsatisfied[i];
        settle_path(a, left[i]);
    }
    while (count != 0 && !is_over(v)) {
        uint32_t first = 0;
        for (uint32_t i = 1; i < count; i++) {
            if (compare_roles(left[i], left[first]) < 0) {
                first = i;
            }
        }
        struct alloc_role *role = left[first];
        left[first] = left[--count];
        visit_clients(v, role);
    }
}

static void visit_random(struct visit *v)
{
    alloc_random_begin_roles(v->a);
    struct alloc_role *role;
    while (!is_over(v) && (role = alloc_random_next_role(v->a)) != NULL) {
        visit_clients(v, role);
    }
}

/* --- few clients are left --- */

/* Active clients that have not refused the agent and do not exclude it, up to `count_max` + 1 of
 * them. */
static uint32_t list_left(const struct alloc *a, const struct alloc_agent *agent,
                          struct alloc_client **left, uint32_t count_max)
{
    uint32_t count = 0;
    for (uint32_t word = 0; word < a->active_words; word++) {
        uint64_t refused =
            agent->has_refused && word < agent->refused_words ? agent->refused[word] : 0;
        uint64_t excluded = word < agent->excluded_words ? agent->excluded[word] : 0;
        for (uint64_t bits = a->active[word] & ~(refused | excluded); bits != 0; bits &= bits - 1) {
            if (count == count_max) {
                return count_max + 1;
            }
            left[count++] = client_of(a, word * 64 + (uint32_t)__builtin_ctzll(bits));
        }
    }
    return count;
}

static int compare_clients(const struct alloc_client *a, const struct alloc_client *b)
{
    return a->role == b->role ? drf_node_compare(&a->node, &b->node)
                              : compare_roles(a->role, b->role);
}

/* The same order as a walk through the tree would take. */
static void visit_few(struct visit *v, struct alloc_client **left, uint32_t count)
{
    struct alloc *a = v->a;
    for (uint32_t i = 0; i < count; i++) {
        drf_order_settle(&left[i]->role->clients, &a->client_nodes, &a->totals);
        settle_path(a, left[i]->role);
    }
    while (count != 0 && !is_over(v)) {
        uint32_t first = 0;
        for (uint32_t i = 1; i < count; i++) {
            if (compare_clients(left[i], left[first]) < 0) {
                first = i;
            }
        }
        struct alloc_client *client = left[first];
        left[first] = left[--count];
        if (is_turn_of_role(v, client->role)) {
            offer(v, client);
        }
    }
}

/* --- the visit --- */

static void go_to_rest(const struct visit *v)
{
    struct alloc *a = v->a;
    if (is_over(v) || v->agent->has_shared) {
        return; /* shared resources are offered again in each run */
    }
    if (v->is_held) {
        alloc_free_hold(&a->free, v->agent);
    } else {
        alloc_free_sleep(&a->free, v->agent);
    }
}

void alloc_visit(struct alloc *a, struct alloc_agent *agent, enum alloc_stage stage)
{
    struct visit v = {.a = a, .agent = agent, .stage = stage};
    if (stage == ALLOC_STAGE_ALL && alloc_offer_is_held_back(a, agent)) {
        alloc_free_hold(&a->free, agent);
        return;
    }
    alloc_agent_check_refusals(agent);
    struct alloc_client *left[ALLOC_VISIT_FEW];
    uint32_t left_count = UINT32_MAX;
    if ((agent->has_refused || agent->excluded_words != 0) && !a->has_random_roles &&
        !a->has_random_frameworks) {
        left_count = list_left(a, agent, left, ALLOC_VISIT_FEW);
    }
    if (left_count <= ALLOC_VISIT_FEW) {
        visit_few(&v, left, left_count);
    } else if (a->has_random_roles) {
        visit_random(&v);
    } else if (stage == ALLOC_STAGE_GUARANTEES && a->unsatisfied_count <= ALLOC_VISIT_FEW) {
        visit_unsatisfied(&v);
    } else {
        visit_tree(&v);
    }
    if (stage == ALLOC_STAGE_ALL) {
        go_to_rest(&v);
    }
}
