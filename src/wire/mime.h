/*
 * Content types of files, by what their names end with.
 */
#ifndef TEPUI_WIRE_MIME_H
#define TEPUI_WIRE_MIME_H

/* The type of a file of this name (case matters), "application/octet-stream" when nothing is known
 * of it. As /files/download of the original tells it, and the types of a web page's own files. */
const char *mime_of_file(const char *name);

#endif
