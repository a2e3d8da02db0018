#include "sim/sim_zk_tree.h"

#include <stdlib.h>

#include "common/xalloc.h"

/* Where sequences begin that count down. */
#define DOWN_FROM 1000000

void sim_zk_tree_init(struct sim_zk_tree *tree)
{
    *tree = (struct sim_zk_tree){.zxid = 1};
    list_init(&tree->nodes);
}

void sim_zk_tree_deinit(struct sim_zk_tree *tree)
{
    struct sim_zk_node *node;
    LIST_FOR_EACH (node, &tree->nodes, link) {
        list_remove(&node->link);
        free(node->path);
        blob_unref(node->data);
        free(node);
    }
}

static bool was_there(const struct sim_zk_node *node, uint64_t zxid)
{
    return node->made <= zxid && zxid < node->deleted;
}

static bool is_child(const struct sim_zk_node *node, const char *parent)
{
    size_t size = strlen(parent);
    return strncmp(node->path, parent, size) == 0 && node->path[size] == '/' &&
           strchr(node->path + size + 1, '/') == NULL;
}

const struct sim_zk_node *sim_zk_tree_find(const struct sim_zk_tree *tree, const char *path,
                                           uint64_t zxid)
{
    const struct sim_zk_node *node;
    LIST_FOR_EACH (node, &tree->nodes, link) {
        if (was_there(node, zxid) && strcmp(node->path, path) == 0) {
            return node;
        }
    }
    return NULL;
}

char **sim_zk_tree_children(const struct sim_zk_tree *tree, const char *path, uint64_t zxid,
                            size_t *ret_count)
{
    const struct sim_zk_node *node;
    char **names = NULL;
    size_t count = 0;
    LIST_FOR_EACH (node, &tree->nodes, link) {
        if (was_there(node, zxid) && is_child(node, path)) {
            names = xrealloc(names, count + 1, sizeof(names[0]));
            names[count++] = xstrdup(strrchr(node->path, '/') + 1);
        }
    }
    names = xrealloc(names, count + 1, sizeof(names[0]));
    names[count] = NULL;
    *ret_count = count;
    return names;
}

bool sim_zk_tree_changed(const struct sim_zk_tree *tree, const char *path, bool of_children,
                         uint64_t from, uint64_t to)
{
    const struct sim_zk_node *node;
    LIST_FOR_EACH (node, &tree->nodes, link) {
        bool changed = (node->made > from && node->made <= to) ||
                       (node->deleted > from && node->deleted <= to);
        if (changed && (of_children ? is_child(node, path) : strcmp(node->path, path) == 0)) {
            return true;
        }
    }
    return false;
}

static bool has_parent(const struct sim_zk_tree *tree, const char *path)
{
    CLEANUP(xfreep) char *parent = xstrndup(path, (size_t)(strrchr(path, '/') - path));
    return parent[0] == '\0' || sim_zk_tree_find(tree, parent, tree->zxid) != NULL;
}

enum zk_error sim_zk_tree_create(struct sim_zk_tree *tree, const struct zk_effect *wanted,
                                 uint64_t owner, char **ret_path)
{
    if (!has_parent(tree, wanted->text)) {
        return ZK_NO_NODE;
    }
    int32_t number = tree->next_number++;
    char *path = wanted->ephemeral ? xasprintf("%s%010d", wanted->text,
                                               tree->counts_down ? DOWN_FROM - number : number)
                                   : xstrdup(wanted->text);
    if (sim_zk_tree_find(tree, path, tree->zxid) != NULL) {
        free(path);
        return ZK_NODE_EXISTS;
    }
    struct sim_zk_node *node = xalloc(sizeof(*node));
    node->path = path;
    node->data = blob_ref(wanted->data);
    node->owner = wanted->ephemeral ? owner : 0;
    node->made = ++tree->zxid;
    node->deleted = UINT64_MAX;
    list_push_back(&tree->nodes, &node->link);
    *ret_path = xstrdup(path);
    return ZK_OK;
}

void sim_zk_tree_end_session(struct sim_zk_tree *tree, uint64_t owner)
{
    struct sim_zk_node *node;
    tree->zxid++;
    LIST_FOR_EACH (node, &tree->nodes, link) {
        if (node->owner == owner && node->deleted == UINT64_MAX) {
            node->deleted = tree->zxid;
        }
    }
}
