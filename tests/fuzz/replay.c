/*
 * Runs a fuzz target over the inputs in the files and folders named on the command line, and over
 * beginnings of each of them, so that every build finds again what fuzzing once found, and each
 * place where an input may end is tried.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/xalloc.h"
#include "fuzz.h"

/* Beginnings tried for each input, evenly spread. */
#define PREFIXES_MAX 512

/* Each input lies in memory of just its size, so that a sanitizer sees one byte too far. */
static void run_input(const uint8_t *data, size_t size)
{
    uint8_t *exact = xmemdup(data, size);
    (void)LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

static bool run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return false;
    }
    struct stat st;
    size_t size = fstat(fileno(file), &st) == 0 ? (size_t)st.st_size : 0;
    uint8_t *data = xalloc(size + 1);
    bool ok = fread(data, 1, size, file) == size;
    fclose(file);
    if (ok) {
        size_t step = size / PREFIXES_MAX + 1;
        for (size_t cut = 0; cut < size; cut += step) {
            run_input(data, cut);
        }
        run_input(data, size);
    } else {
        fprintf(stderr, "%s: cannot be read\n", path);
    }
    free(data);
    return ok;
}

static bool run_path(const char *path, size_t *count)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        perror(path);
        return false;
    }
    if (!S_ISDIR(st.st_mode)) {
        (*count)++;
        return run_file(path);
    }
    struct dirent **entries;
    int entries_count = scandir(path, &entries, NULL, alphasort);
    bool ok = entries_count >= 0;
    for (int i = 0; i < entries_count; i++) {
        if (entries[i]->d_name[0] != '.') {
            char *inner = xasprintf("%s/%s", path, entries[i]->d_name);
            ok = run_path(inner, count) && ok;
            free(inner);
        }
        free(entries[i]);
    }
    if (entries_count >= 0) {
        free(entries);
    }
    return ok;
}

int main(int argc, char **argv)
{
    size_t count = 0;
    bool ok = true;
    for (int i = 1; i < argc; i++) {
        ok = run_path(argv[i], &count) && ok;
    }
    if (count == 0) {
        fprintf(stderr, "no inputs\n");
        return 1;
    }
    printf("%zu inputs replayed\n", count);
    return ok ? 0 : 1;
}
