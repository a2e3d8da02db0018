#include "fetch/fetch_item.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "common/xalloc.h"
#include "fetch/fetch_extract.h"
#include "fetch/fetch_get.h"
#include "fetch/fetch_uri.h"

static int make_parents(char *path, size_t below, struct err *err)
{
    for (char *at = path + below + 1; (at = strchr(at, '/')) != NULL; at++) {
        *at = '\0';
        bool made = mkdir(path, 0755) == 0 || errno == EEXIST;
        if (!made) {
            return err_errno(err, "cannot make the folder '%s'", path);
        }
        *at = '/';
    }
    return 0;
}

/* Where the file lands: output_file or the last part of the URI. */
static int target_path(const char *sandbox, const Pb__CommandInfo__URI *uri, char **ret_path,
                       struct err *err)
{
    struct slice name;
    int status;
    if (uri->output_file != NULL) {
        status = fetch_uri_check_output(uri->output_file, err);
        name = slice_from(uri->output_file);
    } else {
        status = fetch_uri_basename(uri->value, &name, err);
    }
    if (status != 0) {
        return status;
    }
    CLEANUP(xfreep) char *path = xasprintf("%s/%.*s", sandbox, SLICE_ARGS(name));
    status = make_parents(path, strlen(sandbox), err);
    if (status == 0) {
        *ret_path = TAKE_PTR(path);
    }
    return status;
}

static int get(const Pb__Fetcher__FetcherInfo *info, const char *uri, const char *to,
               struct err *err)
{
    enum fetch_source source;
    CLEANUP(buf_deinit) struct buf path = BUF_INIT;
    int status = fetch_uri_source(uri, info->frameworks_home, &source, &path, err);
    if (status != 0) {
        return status;
    }
    LOG_INFO("Fetching '%s' to '%s'", uri, to);
    switch (source) {
    case FETCH_LOCAL:
        return fetch_copy(buf_text(&path), to, err);
    case FETCH_NET:
        return fetch_download(
            uri, to, info->stall_timeout != NULL ? info->stall_timeout->nanoseconds : 0, err);
    case FETCH_HADOOP:
        return fetch_hadoop(uri, to, err);
    }
    WRONG("a source of no kind");
}

/* Unpacks into the sandbox; *ret_done is false for what is not an archive by its name. */
static int unpack(const char *archive, const char *sandbox, bool *ret_done, struct err *err)
{
    const char *name = strrchr(archive, '/') + 1;
    *ret_done = true;
    switch (fetch_uri_archive(slice_from(name))) {
    case FETCH_NO_ARCHIVE:
        *ret_done = false;
        return 0;
    case FETCH_ARCHIVE:
        return fetch_extract(archive, sandbox, err);
    case FETCH_GZIP: {
        CLEANUP(xfreep)
        char *to = xasprintf("%s/%.*s", sandbox, (int)(strlen(name) - strlen(".gz")), name);
        return fetch_gunzip(archive, to, err);
    }
    }
    WRONG("an archive of no kind");
}

static int make_executable(const char *path, struct err *err)
{
    return chmod(path, 0755) == 0 ? 0 : err_errno(err, "cannot make '%s' executable", path);
}

static int fetch_past_cache(const Pb__Fetcher__FetcherInfo *info, const Pb__CommandInfo__URI *uri,
                            const char *target, struct err *err)
{
    int status = get(info, uri->value, target, err);
    if (status != 0) {
        return status;
    }
    if (uri->executable) {
        return make_executable(target, err);
    }
    bool done;
    return uri->extract ? unpack(target, info->sandbox_directory, &done, err) : 0;
}

static int fetch_through_cache(const Pb__Fetcher__FetcherInfo *info,
                               const Pb__Fetcher__FetcherInfo__Item *item, const char *target,
                               struct err *err)
{
    const Pb__CommandInfo__URI *uri = item->uri;
    if (info->cache_directory == NULL || item->cache_filename == NULL) {
        return err_set(err, -EINVAL, "the agent named no place in the cache");
    }
    CLEANUP(xfreep) char *cached = xasprintf("%s/%s", info->cache_directory, item->cache_filename);
    if (item->action == PB__FETCHER__FETCHER_INFO__ITEM__ACTION__DOWNLOAD_AND_CACHE &&
        access(cached, F_OK) != 0) {
        int status = get(info, uri->value, cached, err);
        if (status != 0) {
            return status;
        }
    }
    bool done = false;
    if (!uri->executable && uri->extract) {
        int status = unpack(cached, info->sandbox_directory, &done, err);
        if (status != 0 || done) {
            return status;
        }
    }
    int status = fetch_copy(cached, target, err);
    return status == 0 && uri->executable ? make_executable(target, err) : status;
}

int fetch_item(const Pb__Fetcher__FetcherInfo *info, const Pb__Fetcher__FetcherInfo__Item *item,
               struct err *err)
{
    CLEANUP(xfreep) char *target = NULL;
    int status = target_path(info->sandbox_directory, item->uri, &target, err);
    if (status != 0) {
        return status;
    }
    if (item->action == PB__FETCHER__FETCHER_INFO__ITEM__ACTION__BYPASS_CACHE) {
        return fetch_past_cache(info, item->uri, target, err);
    }
    return fetch_through_cache(info, item, target, err);
}
