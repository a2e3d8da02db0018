#include "fetch/fetch_uri.h"

#include <errno.h>
#include <string.h>

static const char *const net_schemes[] = {"http://", "https://", "ftp://", "ftps://"};

/* The reference refuses what a shell could misread. */
static int check_text(const char *uri, struct err *err)
{
    if (uri[0] == '\0') {
        return err_set(err, -EINVAL, "the URI is empty");
    }
    if (strpbrk(uri, "\\'") != NULL) {
        return err_set(err, -EINVAL, "the URI holds a backslash or a quote");
    }
    return 0;
}

int fetch_uri_source(const char *uri, const char *frameworks_home, enum fetch_source *ret_source,
                     struct buf *ret_path, struct err *err)
{
    while (*uri == ' ' || *uri == '\t' || *uri == '\n') {
        uri++;
    }
    int status = check_text(uri, err);
    if (status != 0) {
        return status;
    }
    for (size_t i = 0; i < ELEMENTS(net_schemes); i++) {
        if (strncmp(uri, net_schemes[i], strlen(net_schemes[i])) == 0) {
            *ret_source = FETCH_NET;
            return 0;
        }
    }
    *ret_source = FETCH_LOCAL;
    if (strncmp(uri, "file://", 7) == 0) {
        const char *path = uri + 7;
        if (strncmp(path, "localhost/", 10) == 0) {
            path += 9;
        }
        if (path[0] != '/') {
            return err_set(err, -EINVAL, "file:// URIs name an absolute path on this machine");
        }
        buf_append_text(ret_path, path);
        return 0;
    }
    if (strstr(uri, "://") != NULL) {
        *ret_source = FETCH_HADOOP;
        return 0;
    }
    if (uri[0] != '/') {
        if (frameworks_home == NULL || frameworks_home[0] == '\0') {
            return err_set(err, -EINVAL,
                           "a relative path was given, but the agent has no --frameworks_home");
        }
        buf_printf(ret_path, "%s/", frameworks_home);
    }
    buf_append_text(ret_path, uri);
    return 0;
}

int fetch_uri_basename(const char *uri, struct slice *ret_name, struct err *err)
{
    const char *scheme = strstr(uri, "://");
    const char *path = scheme != NULL ? scheme + 3 : uri;
    const char *slash = strrchr(path, '/');
    if (scheme != NULL && slash == NULL) {
        return err_set(err, -EINVAL, "the URI has no path");
    }
    struct slice name = slice_from(slash != NULL ? slash + 1 : path);
    if (name.size == 0 || slice_is(name, ".") || slice_is(name, "..")) {
        return err_set(err, -EINVAL, "the URI names no file");
    }
    *ret_name = name;
    return 0;
}

int fetch_uri_check_output(const char *output_file, struct err *err)
{
    if (output_file[0] == '/' || output_file[0] == '\0') {
        return err_set(err, -EINVAL, "output_file '%s' is not a relative path", output_file);
    }
    struct slice rest = slice_from(output_file);
    struct slice part;
    while (slice_split(&rest, '/', &part)) {
        if (slice_is(part, "..")) {
            return err_set(err, -EINVAL, "output_file '%s' leaves the sandbox", output_file);
        }
    }
    return 0;
}

enum fetch_archive fetch_uri_archive(struct slice name)
{
    static const char *const archives[] = {".tar",     ".tgz", ".tar.gz", ".tbz2",
                                           ".tar.bz2", ".txz", ".tar.xz", ".zip"};
    for (size_t i = 0; i < ELEMENTS(archives); i++) {
        if (slice_ends_with(name, slice_from(archives[i]))) {
            return FETCH_ARCHIVE;
        }
    }
    return slice_ends_with(name, SLICE(".gz")) ? FETCH_GZIP : FETCH_NO_ARCHIVE;
}
