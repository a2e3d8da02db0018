/* The operators' page, compiled in: one file without anything from outside. */
#ifndef TEPUI_WEBUI_WEBUI_H
#define TEPUI_WEBUI_WEBUI_H

#include "common/slice.h"

/* text/html, UTF-8. */
struct slice webui_index(void);

#endif
