/*
 * LevelDB as it is, without our code: to write folders as the original does, and to look into ours.
 */
#ifndef TEPUI_TESTS_UNIT_LOGSTORE_RAW_DB_H
#define TEPUI_TESTS_UNIT_LOGSTORE_RAW_DB_H

#include <leveldb/c.h>

#include "../unit.h"

#include "common/slice.h"

static inline leveldb_t *raw_open(const char *path)
{
    char *error = NULL;
    leveldb_options_t *options = leveldb_options_create();
    leveldb_options_set_create_if_missing(options, 1);
    leveldb_t *db = leveldb_open(options, path, &error);
    if (error != NULL) {
        fail_msg("%s", error);
    }
    leveldb_options_destroy(options);
    return db;
}

static inline void raw_put(leveldb_t *db, const char *key, struct slice value)
{
    char *error = NULL;
    leveldb_writeoptions_t *options = leveldb_writeoptions_create();
    leveldb_put(db, options, key, strlen(key), value.data, value.size, &error);
    assert_null(error);
    leveldb_writeoptions_destroy(options);
}

/* "key=hex key=hex ..." of all keys. */
static inline void raw_dump(const char *path, struct buf *out)
{
    leveldb_t *db = raw_open(path);
    leveldb_readoptions_t *options = leveldb_readoptions_create();
    leveldb_iterator_t *at = leveldb_create_iterator(db, options);
    for (leveldb_iter_seek_to_first(at); leveldb_iter_valid(at); leveldb_iter_next(at)) {
        size_t size;
        const char *key = leveldb_iter_key(at, &size);
        buf_printf(out, "%s%.*s=", out->size > 0 ? " " : "", (int)size, key);
        const char *value = leveldb_iter_value(at, &size);
        for (size_t i = 0; i < size; i++) {
            buf_printf(out, "%02x", (unsigned char)value[i]);
        }
    }
    leveldb_iter_destroy(at);
    leveldb_readoptions_destroy(options);
    leveldb_close(db);
}

/* A new folder's path, to be freed; and removing it with all that is in it. */
static inline char *raw_new_folder(void)
{
    char *path = strdup("/tmp/tepui-log-XXXXXX");
    assert_non_null(mkdtemp(path));
    return path;
}

static inline void raw_remove_folder(char *path)
{
    char command[256];
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", path);
    assert_int_equal(system(command), 0);
    free(path);
}

#endif
