#include "fetch/fetch_extract.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "common/macro.h"
#include "common/xalloc.h"

#define BLOCK_SIZE (64 * 1024)

static int copy_data(struct archive *in, struct archive *out)
{
    for (;;) {
        const void *block;
        size_t size;
        la_int64_t offset;
        int status = archive_read_data_block(in, &block, &size, &offset);
        if (status == ARCHIVE_EOF) {
            return ARCHIVE_OK;
        }
        if (status < ARCHIVE_WARN) {
            return status;
        }
        if (archive_write_data_block(out, block, size, offset) < ARCHIVE_WARN) {
            return ARCHIVE_FATAL;
        }
    }
}

/* Absolute paths become relative: those of the entry and of what it is a hard link to. */
static void make_relative(struct archive_entry *entry)
{
    CLEANUP(xfreep) char *path = xasprintf("./%s", archive_entry_pathname(entry));
    archive_entry_set_pathname(entry, path);
    if (archive_entry_hardlink(entry) != NULL) {
        CLEANUP(xfreep) char *link = xasprintf("./%s", archive_entry_hardlink(entry));
        archive_entry_set_hardlink(entry, link);
    }
}

static int extract_all(struct archive *in, struct archive *out, struct err *err)
{
    for (;;) {
        struct archive_entry *entry;
        int status = archive_read_next_header(in, &entry);
        if (status == ARCHIVE_EOF) {
            return 0;
        }
        if (status < ARCHIVE_WARN) {
            return err_set(err, -EINVAL, "%s", archive_error_string(in));
        }
        make_relative(entry);
        if (archive_write_header(out, entry) < ARCHIVE_WARN) {
            return err_set(err, -EIO, "%s", archive_error_string(out));
        }
        if (copy_data(in, out) != ARCHIVE_OK || archive_write_finish_entry(out) < ARCHIVE_WARN) {
            const char *reason = archive_error_string(in);
            return err_set(err, -EIO, "%s", reason != NULL ? reason : archive_error_string(out));
        }
    }
}

/* The library knows only the folder in which the process is. */
static int extract_in(const char *folder, struct archive *in, struct archive *out, struct err *err)
{
    int before = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int status = 0;
    if (before < 0 || chdir(folder) != 0) {
        status = err_errno(err, "cannot enter '%s'", folder);
    } else {
        status = extract_all(in, out, err);
        if (archive_write_close(out) != ARCHIVE_OK && status == 0) { /* the folders' own times */
            status = err_set(err, -EIO, "cannot finish unpacking: %s", archive_error_string(out));
        }
        if (fchdir(before) != 0 && status == 0) {
            status = err_errno(err, "cannot leave '%s'", folder);
        }
    }
    if (before >= 0) {
        close(before);
    }
    return status;
}

int fetch_extract(const char *archive, const char *folder, struct err *err)
{
    struct archive *in = archive_read_new();
    struct archive *out = archive_write_disk_new();
    ASSERT(in != NULL && out != NULL);
    archive_read_support_filter_all(in);
    archive_read_support_format_all(in);
    /* Nothing is written out of the folder: neither by ".." nor through a link of the archive's. */
    archive_write_disk_set_options(out, ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_PERM |
                                            ARCHIVE_EXTRACT_SECURE_NODOTDOT |
                                            ARCHIVE_EXTRACT_SECURE_SYMLINKS);
    int status;
    if (archive_read_open_filename(in, archive, BLOCK_SIZE) != ARCHIVE_OK) {
        status = err_set(err, -EINVAL, "%s", archive_error_string(in));
    } else {
        status = extract_in(folder, in, out, err);
    }
    archive_read_free(in);
    archive_write_free(out);
    return status;
}

int fetch_gunzip(const char *from, const char *to, struct err *err)
{
    gzFile in = gzopen(from, "rbe");
    if (in == NULL) {
        return err_errno(err, "cannot read '%s'", from);
    }
    FILE *out = fopen(to, "we");
    if (out == NULL) {
        gzclose(in);
        return err_errno(err, "cannot write '%s'", to);
    }
    CLEANUP(xfreep) char *block = xalloc(BLOCK_SIZE);
    int status = 0;
    int size;
    while ((size = gzread(in, block, BLOCK_SIZE)) > 0 && status == 0) {
        if (fwrite(block, 1, (size_t)size, out) != (size_t)size) {
            status = err_errno(err, "cannot write '%s'", to);
        }
    }
    if (size < 0 || gzdirect(in)) {
        status = err_set(err, -EINVAL, "'%s' is not gzipped", from);
    }
    if (gzclose(in) == Z_BUF_ERROR && status == 0) { /* only this tells of it */
        status = err_set(err, -EINVAL, "'%s' ends early", from);
    }
    if (fclose(out) != 0 && status == 0) {
        status = err_errno(err, "cannot write '%s'", to);
    }
    return status;
}
