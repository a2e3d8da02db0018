#include "webui/webui.h"

/* The assembler puts the file's bytes between two symbols; WEBUI_INDEX names it (CMake). */
__asm__(".section .rodata\n"
        ".global webui_index_begin\n"
        "webui_index_begin:\n"
        ".incbin \"" WEBUI_INDEX "\"\n"
        ".global webui_index_end\n"
        "webui_index_end:\n"
        ".byte 0\n"
        ".previous\n");

extern const char webui_index_begin[];
extern const char webui_index_end[];

struct slice webui_index(void)
{
    return slice_make(webui_index_begin, (size_t)(webui_index_end - webui_index_begin));
}
