/*
 * tepui-fetcher: fetches the URIs of a task into its sandbox. Started by the agent, which says what
 * to do in MESOS_FETCHER_INFO (a mesos.fetcher.FetcherInfo in JSON).
 */
#include <curl/curl.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "common/xalloc.h"
#include "fetch/fetch_item.h"
#include "wire/json.h"

#define INFO_BUDGET_SIZE (64u << 20)

static bool uses_cache(const Pb__Fetcher__FetcherInfo *info)
{
    for (size_t i = 0; i < info->n_items; i++) {
        if (info->items[i]->action != PB__FETCHER__FETCHER_INFO__ITEM__ACTION__BYPASS_CACHE) {
            return true;
        }
    }
    return false;
}

static int make_cache(const Pb__Fetcher__FetcherInfo *info, const struct passwd *user,
                      struct err *err)
{
    if (info->cache_directory == NULL || !uses_cache(info)) {
        return 0;
    }
    CLEANUP(xfreep) char *text = xstrdup(info->cache_directory);
    for (char *at = text; at != NULL;) {
        at = strchr(at + 1, '/');
        if (at != NULL) {
            *at = '\0';
        }
        if (mkdir(text, 0755) != 0 && errno != EEXIST) {
            return err_errno(err, "cannot make the cache '%s'", text);
        }
        if (at != NULL) {
            *at = '/';
        }
    }
    if (user != NULL && chown(text, user->pw_uid, user->pw_gid) != 0) {
        return err_errno(err, "cannot give the cache '%s' to the user", text);
    }
    return 0;
}

static int become(const struct passwd *user, struct err *err)
{
    if (user == NULL || user->pw_uid == geteuid()) {
        return 0;
    }
    if (initgroups(user->pw_name, user->pw_gid) != 0 || setgid(user->pw_gid) != 0 ||
        setuid(user->pw_uid) != 0) {
        return err_errno(err, "cannot become the user '%s'", user->pw_name);
    }
    return 0;
}

static int fetch_all(const Pb__Fetcher__FetcherInfo *info, struct err *err)
{
    const struct passwd *user = NULL;
    if (info->user != NULL) {
        user = getpwnam(info->user);
        if (user == NULL) {
            return err_set(err, -ENOENT, "there is no user '%s'", info->user);
        }
    }
    int status = make_cache(info, user, err);
    if (status == 0) {
        status = become(user, err);
    }
    for (size_t i = 0; i < info->n_items && status == 0; i++) {
        status = fetch_item(info, info->items[i], err);
        if (status != 0) {
            return err_wrap(err, status, "Failed to fetch '%s'", info->items[i]->uri->value);
        }
    }
    return status;
}

/* The agent starts us from a thread that has all signals blocked. What we start, such as the hadoop
 * client, waits for its own. */
static void unblock_signals(void)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        puts("Usage: tepui-fetcher\n\nFetches the files of a task into its sandbox. Started by an "
             "agent, which says in\nMESOS_FETCHER_INFO what to fetch.");
        return EXIT_SUCCESS;
    }
    unblock_signals();
    const char *text = getenv("MESOS_FETCHER_INFO");
    struct err err = {""};
    if (text == NULL) {
        fprintf(stderr, "tepui-fetcher: MESOS_FETCHER_INFO is expected in the environment: this "
                        "program is started by an agent\n");
        return EXIT_FAILURE;
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
    struct arena arena;
    arena_init(&arena, INFO_BUDGET_SIZE);
    ProtobufCMessage *info = NULL;
    int status = json_parse_message(&pb__fetcher__fetcher_info__descriptor, slice_from(text),
                                    JSON_V0, &arena, &info, &err);
    if (status != 0) {
        err_wrap(&err, status, "MESOS_FETCHER_INFO");
    } else {
        status = fetch_all((const Pb__Fetcher__FetcherInfo *)info, &err);
    }
    if (status != 0) {
        LOG_ERROR("%s", err.text);
    } else {
        LOG_INFO("Everything is fetched");
    }
    arena_deinit(&arena);
    curl_global_cleanup();
    return status != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
