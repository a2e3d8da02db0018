/* tepui: Tepui's command line. One subcommand is its own, the others are programs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/local.h"
#include "cli/programs.h"
#include "common/slice.h"

extern char **environ;

static const struct command {
    const char *name;
    const char *about;
    const char *program; /* that does it; NULL = this one */
} commands[] = {
    {"local", "a cluster on this machine: a master and agents", NULL},
    {"execute", "runs one task, or one group of tasks", "tepui-execute"},
    {"log", "initializes, reads, serves and measures replicated logs", "tepui-log"},
    {"master", "the master of a cluster", "tepui-master"},
    {"agent", "runs the tasks of one machine", "tepui-agent"},
};

static void print_usage(FILE *file)
{
    fputs("Usage: tepui COMMAND [flags]\n\n", file);
    for (size_t i = 0; i < ELEMENTS(commands); i++) {
        fprintf(file, "  %-9s%s\n", commands[i].name, commands[i].about);
    }
    fputs("\ntepui COMMAND --help tells the flags of a command.\n", file);
}

/* Returns only if it cannot be done. */
static int become(const char *program, char **argv)
{
    struct arena arena;
    arena_init(&arena, 0);
    const char *path = programs_find(program, &arena);
    if (path == NULL) {
        fprintf(stderr, "tepui: %s is neither beside this program nor in PATH\n", program);
    } else {
        argv[0] = (char *)(uintptr_t)program;
        execv(path, argv);
        perror(path);
    }
    arena_deinit(&arena);
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return EXIT_FAILURE;
    }
    for (size_t i = 0; i < ELEMENTS(commands); i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            return commands[i].program != NULL ? become(commands[i].program, argv + 1)
                                               : local_main(argc - 1, argv + 1, environ);
        }
    }
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0) {
        print_usage(stdout);
        return EXIT_SUCCESS;
    }
    fprintf(stderr, "tepui: there is no command '%.80s'\n", argv[1]);
    print_usage(stderr);
    return EXIT_FAILURE;
}
