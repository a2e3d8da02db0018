#include "fetch/fetch_get.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/duration.h"
#include "common/macro.h"
#include "common/xalloc.h"

extern char **environ;

#define REDIRECTS_MAX 50L

static int open_target(const char *to, struct err *err)
{
    int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    return fd >= 0 ? fd : err_errno(err, "cannot write '%s'", to);
}

static int copy_bytes(int from_fd, int to_fd, const char *to, struct err *err)
{
    for (;;) {
        ssize_t n = sendfile(to_fd, from_fd, NULL, 1 << 30);
        if (n < 0) {
            return err_errno(err, "cannot copy to '%s'", to);
        }
        if (n == 0) {
            return 0;
        }
    }
}

int fetch_copy(const char *from, const char *to, struct err *err)
{
    int from_fd = open(from, O_RDONLY | O_CLOEXEC);
    struct stat info;
    if (from_fd < 0) {
        return err_errno(err, "cannot read '%s'", from);
    }
    if (fstat(from_fd, &info) != 0 || S_ISDIR(info.st_mode)) {
        close(from_fd);
        return err_set(err, -EISDIR, "'%s' is a folder", from);
    }
    int to_fd = open_target(to, err);
    int status = to_fd < 0 ? to_fd : copy_bytes(from_fd, to_fd, to, err);
    close(from_fd);
    if (to_fd >= 0 && close(to_fd) != 0 && status == 0) {
        status = err_errno(err, "cannot write '%s'", to);
    }
    if (status != 0 && to_fd >= 0) {
        unlink(to);
    }
    return status;
}

static void set_options(CURL *curl, const char *uri, FILE *file, int64_t stall_timeout_ns)
{
    curl_easy_setopt(curl, CURLOPT_URL, uri);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, file);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, REDIRECTS_MAX);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    if (stall_timeout_ns > 0) {
        long secs = (long)MAX(stall_timeout_ns / NS_PER_SEC, INT64_C(1));
        curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
        curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, secs);
    }
}

static int check_code(CURL *curl, const char *uri, struct err *err)
{
    long code = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
    long wanted = strncmp(uri, "ftp", 3) == 0 ? 226 : 200;
    if (code != wanted) {
        return err_set(err, -EIO, "the server answered %ld, not %ld", code, wanted);
    }
    return 0;
}

int fetch_download(const char *uri, const char *to, int64_t stall_timeout_ns, struct err *err)
{
    CURL *curl = curl_easy_init();
    if (curl == NULL) {
        return err_set(err, -ENOMEM, "libcurl cannot be set up");
    }
    int fd = open_target(to, err);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (file == NULL) {
        curl_easy_cleanup(curl);
        return fd < 0 ? fd : err_errno(err, "cannot write '%s'", to);
    }
    set_options(curl, uri, file, stall_timeout_ns);
    CURLcode code = curl_easy_perform(curl);
    int status = code == CURLE_OK ? check_code(curl, uri, err)
                                  : err_set(err, -EIO, "%s", curl_easy_strerror(code));
    if (fclose(file) != 0 && status == 0) {
        status = err_errno(err, "cannot write '%s'", to);
    }
    curl_easy_cleanup(curl);
    if (status != 0) {
        unlink(to);
    }
    return status;
}

int fetch_hadoop(const char *uri, const char *to, struct err *err)
{
    /* --hadoop_home tells where it is; else it is on the PATH (HDFS::create of the reference). */
    const char *home = getenv("HADOOP_HOME");
    CLEANUP(xfreep)
    char *program = home != NULL ? xasprintf("%s/bin/hadoop", home) : xstrdup("hadoop");
    char *argv[] = {program,
                    (char[]){"fs"},
                    (char[]){"-copyToLocal"},
                    (char *)(uintptr_t)uri,
                    (char *)(uintptr_t)to,
                    NULL};
    pid_t pid;
    int code = posix_spawnp(&pid, program, NULL, NULL, argv, environ);
    if (code != 0) {
        return err_set(err, -code, "cannot run the hadoop client: %s", strerror(code));
    }
    int wait_status;
    if (waitpid(pid, &wait_status, 0) != pid || wait_status != 0) {
        return err_set(err, -EIO, "the hadoop client failed");
    }
    return 0;
}
