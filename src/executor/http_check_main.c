/*
 * tepui-http-check URL TIMEOUT_MS: asks for the URL and prints the status of the answer. A program
 * of its own, so that executors need not carry libcurl. Redirects are followed and certificates are
 * not verified, as the reference does for checks (facts/observed.md, tasks 16 and 18).
 */
#include <curl/curl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t drop(char *bytes, size_t size, size_t count, void *arg)
{
    (void)bytes;
    (void)arg;
    return size * count;
}

int main(int argc, char **argv)
{
    bool helps = argc == 2 && strcmp(argv[1], "--help") == 0;
    if (argc != 3) {
        fputs("Usage: tepui-http-check URL TIMEOUT_MS\n\nAsks for the URL once, and prints the "
              "status "
              "of the answer. A timeout of 0 is none.\n",
              helps ? stdout : stderr);
        return helps ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    CURL *curl = curl_easy_init();
    if (curl == NULL) {
        return EXIT_FAILURE;
    }
    curl_easy_setopt(curl, CURLOPT_URL, argv[1]);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, strtol(argv[2], NULL, 10));
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 20L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, drop);
    long status = 0;
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(curl);
    if (code != CURLE_OK) {
        fprintf(stderr, "%s: %s\n", argv[1], curl_easy_strerror(code));
        return EXIT_FAILURE;
    }
    printf("%ld\n", status);
    return EXIT_SUCCESS;
}
