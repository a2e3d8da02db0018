#include "executor/exec_main.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/log.h"
#include "common/xalloc.h"

extern char **environ;

/* --launcher_dir, or where this program is. */
static char *find_launcher_dir(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--launcher_dir=", 15) == 0) {
            return xstrdup(argv[i] + 15);
        }
    }
    char path[4096];
    ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - 1);
    path[size > 0 ? size : 0] = '\0';
    return xstrdup(dirname(path));
}

int exec_main(int argc, char **argv, const char *program,
              void *(*create)(const struct exec_options *options), const struct exec_core_ops *ops)
{
    struct err err = {""};
    struct exec_host_options options;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            printf("Usage: %s [--launcher_dir=FOLDER]\n\nStarted by an agent, which says in the "
                   "environment what to run and how to reach it.\nFOLDER is where the programs "
                   "of Tepui are; default: where this one is.\n",
                   program);
            return EXIT_SUCCESS;
        }
        if (strncmp(argv[i], "--launcher_dir=", 15) != 0) {
            fprintf(stderr, "%s: there is no flag %s\n", program, argv[i]);
            return EXIT_FAILURE;
        }
    }
    if (exec_host_options_from_env(&options, environ, &err) != 0) {
        fprintf(stderr, "%s: %s\n", program, err.text);
        return EXIT_FAILURE;
    }
    if (getrandom(&options.session.seed, sizeof(options.session.seed), 0) !=
        sizeof(options.session.seed)) {
        fprintf(stderr, "%s: no random bytes are to be had\n", program);
        return EXIT_FAILURE;
    }
    char *launcher_dir = find_launcher_dir(argc, argv);
    options.launcher_dir = launcher_dir;
    void *core = create(&options.session);
    int status = exec_host_run(&options, ops, core);
    ops->free(core);
    free(launcher_dir);
    return status;
}
