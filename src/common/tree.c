#include "common/tree.h"

#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

void tree_init(struct tree *tree)
{
    *tree = (struct tree){0};
    arena_init(&tree->arena, 0);
}

void tree_deinit(struct tree *tree)
{
    free(tree->entries);
    tree->entries = NULL;
    tree->count = tree->capacity = 0;
    arena_deinit(&tree->arena);
}

struct tree_entry *tree_add(struct tree *tree, enum tree_type type, const char *path,
                            struct slice bytes)
{
    if (tree->count == tree->capacity) {
        tree->capacity = MAX(tree->capacity * 2, (size_t)64);
        tree->entries = xrealloc(tree->entries, tree->capacity, sizeof(*tree->entries));
    }
    struct tree_entry *entry = &tree->entries[tree->count++];
    *entry = (struct tree_entry){.type = type, .path = arena_strdup(&tree->arena, path)};
    entry->bytes = arena_slice(&tree->arena, bytes);
    return entry;
}

const struct tree_entry *tree_find(const struct tree *tree, const char *path)
{
    for (size_t i = 0; i < tree->count;) {
        const struct tree_entry *entry = &tree->entries[i];
        size_t size = strlen(entry->path);
        if (strncmp(path, entry->path, size) == 0 && path[size] == '\0') {
            return entry;
        }
        bool leads_there = strncmp(path, entry->path, size) == 0 && path[size] == '/';
        i = leads_there ? i + 1 : tree_skip(tree, i);
    }
    return NULL;
}

size_t tree_skip(const struct tree *tree, size_t index)
{
    const struct tree_entry *folder = &tree->entries[index];
    index++;
    if (folder->type == TREE_FOLDER) {
        size_t size = strlen(folder->path);
        while (index < tree->count && strncmp(tree->entries[index].path, folder->path, size) == 0 &&
               tree->entries[index].path[size] == '/') {
            index++;
        }
    }
    return index;
}

const char *tree_name(const struct tree_entry *entry)
{
    const char *slash = strrchr(entry->path, '/');
    return slash != NULL ? slash + 1 : entry->path;
}
