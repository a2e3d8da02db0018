/*
 * What a ZooKeeper ensemble has agreed upon: nodes, each with the transaction that made it and the
 * one that deleted it. So the same tree can be seen as it was at any transaction, which is what a
 * server that lags behind shows.
 */
#ifndef TEPUI_TESTS_SIM_SIM_ZK_TREE_H
#define TEPUI_TESTS_SIM_SIM_ZK_TREE_H

#include "common/blob.h"
#include "common/list.h"
#include "election/zk.h"

struct sim_zk_node {
    struct list link;
    char *path;
    struct blob *data;
    uint64_t owner;   /* session; 0 = not ephemeral */
    uint64_t made;    /* transaction */
    uint64_t deleted; /* transaction; UINT64_MAX = it is there */
};

struct sim_zk_tree {
    struct list nodes; /* struct sim_zk_node, in the order of their making */
    uint64_t zxid;     /* the newest transaction */
    int32_t next_number;
    bool counts_down; /* the planted fault: later nodes of a sequence get lower numbers */
};

void sim_zk_tree_init(struct sim_zk_tree *tree);
void sim_zk_tree_deinit(struct sim_zk_tree *tree);

/* As it was after a transaction; NULL if there was none. */
const struct sim_zk_node *sim_zk_tree_find(const struct sim_zk_tree *tree, const char *path,
                                           uint64_t zxid);
/* Names of children, heap, each heap; NULL behind the last. */
char **sim_zk_tree_children(const struct sim_zk_tree *tree, const char *path, uint64_t zxid,
                            size_t *ret_count);
/* Whether a watch would have fired by a transaction of (from, to]. */
bool sim_zk_tree_changed(const struct sim_zk_tree *tree, const char *path, bool of_children,
                         uint64_t from, uint64_t to);

/* Transactions. The path of what was made: heap. */
enum zk_error sim_zk_tree_create(struct sim_zk_tree *tree, const struct zk_effect *wanted,
                                 uint64_t owner, char **ret_path);
void sim_zk_tree_end_session(struct sim_zk_tree *tree, uint64_t owner);

#endif
