#include "master/texts.h"

#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

char **master_texts_copy(char *const *items, size_t count)
{
    char **texts = xcalloc(count + 1, sizeof(texts[0]));
    for (size_t i = 0; i < count; i++) {
        texts[i] = xstrdup(items[i]);
    }
    return texts;
}

void master_texts_free(char **texts)
{
    if (texts != NULL) {
        for (size_t i = 0; texts[i] != NULL; i++) {
            free(texts[i]);
        }
        free(texts);
    }
}

bool master_texts_contain(char *const *items, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(items[i], text) == 0) {
            return true;
        }
    }
    return false;
}
