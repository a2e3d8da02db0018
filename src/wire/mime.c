#include "wire/mime.h"

#include <stdlib.h>
#include <string.h>

#include "common/macro.h"

struct type {
    const char *extension;
    const char *name;
};

/* In order of the extension. */
static const struct type types[] = {
    {"aif", "audio/x-aiff"},
    {"au", "audio/basic"},
    {"avi", "video/x-msvideo"},
    {"bat", "text/plain"},
    {"bmp", "image/x-ms-bmp"},
    {"c", "text/plain"},
    {"cpio", "application/x-cpio"},
    {"csh", "application/x-csh"},
    {"css", "text/css"},
    {"csv", "text/csv"},
    {"doc", "application/msword"},
    {"dvi", "application/x-dvi"},
    {"eml", "message/rfc822"},
    {"eps", "application/postscript"},
    {"gif", "image/gif"},
    {"gtar", "application/x-gtar"},
    {"h", "text/plain"},
    {"hdf", "application/x-hdf"},
    {"htm", "text/html"},
    {"html", "text/html"},
    {"ico", "image/x-icon"},
    {"jpe", "image/jpeg"},
    {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},
    {"js", "application/x-javascript"},
    {"ksh", "text/plain"},
    {"latex", "application/x-latex"},
    {"man", "application/x-troff-man"},
    {"map", "application/json"},
    {"mht", "message/rfc822"},
    {"mhtml", "message/rfc822"},
    {"mov", "video/quicktime"},
    {"mp2", "audio/mpeg"},
    {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"},
    {"mpeg", "video/mpeg"},
    {"mpg", "video/mpeg"},
    {"nc", "application/x-netcdf"},
    {"p12", "application/x-pkcs12"},
    {"pbm", "image/x-portable-bitmap"},
    {"pdf", "application/pdf"},
    {"pfx", "application/x-pkcs12"},
    {"pgm", "image/x-portable-graymap"},
    {"pl", "text/plain"},
    {"png", "image/png"},
    {"pnm", "image/x-portable-anymap"},
    {"ppm", "image/x-portable-pixmap"},
    {"ppt", "application/vnd.ms-powerpoint"},
    {"ps", "application/postscript"},
    {"py", "text/x-python"},
    {"pyc", "application/x-python-code"},
    {"qt", "video/quicktime"},
    {"ras", "image/x-cmu-raster"},
    {"rdf", "application/xml"},
    {"rgb", "image/x-rgb"},
    {"rtx", "text/richtext"},
    {"sgm", "text/x-sgml"},
    {"sgml", "text/x-sgml"},
    {"sh", "application/x-sh"},
    {"shar", "application/x-shar"},
    {"snd", "audio/basic"},
    {"svg", "image/svg+xml"},
    {"tar", "application/x-tar"},
    {"tcl", "application/x-tcl"},
    {"tex", "application/x-tex"},
    {"texi", "application/x-texinfo"},
    {"texinfo", "application/x-texinfo"},
    {"tif", "image/tiff"},
    {"tiff", "image/tiff"},
    {"tsv", "text/tab-separated-values"},
    {"ttf", "application/x-font-ttf"},
    {"txt", "text/plain"},
    {"vcf", "text/x-vcard"},
    {"wav", "audio/x-wav"},
    {"woff", "application/x-font-woff"},
    {"woff2", "font/woff2"},
    {"xbm", "image/x-xbitmap"},
    {"xls", "application/vnd.ms-excel"},
    {"xml", "text/xml"},
    {"xpm", "image/x-xpixmap"},
    {"xsl", "application/xml"},
    {"zip", "application/zip"},
};

static int compare(const void *key, const void *row)
{
    return strcmp(key, ((const struct type *)row)->extension);
}

const char *mime_of_file(const char *name)
{
    const char *dot = strrchr(name, '.');
    const struct type *found =
        dot != NULL ? bsearch(dot + 1, types, ELEMENTS(types), sizeof(types[0]), compare) : NULL;
    return found != NULL ? found->name : "application/octet-stream";
}
