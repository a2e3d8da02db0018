/*
 * What a fuzz target defines: libFuzzer calls it, or replay.c does, once for each input. It returns
 * 0 and says what is wrong by an assertion or by a sanitizer's finding.
 */
#ifndef TEPUI_TESTS_FUZZ_FUZZ_H
#define TEPUI_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
