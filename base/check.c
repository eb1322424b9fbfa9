/* SPDX-License-Identifier: Apache-2.0
 *
 * base/check.c - last words. Written with write(2), so that a broken promise
 * is told even when whatever holds stdio is what broke.
 */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LAST_WORDS_MAX 512

static void say(const char *words, int length)
{
    size_t left = length < 0 ? 0 : (size_t)length;
    if (left >= LAST_WORDS_MAX)
        left = LAST_WORDS_MAX - 1;
    while (left > 0) {
        ssize_t written = write(STDERR_FILENO, words, left);
        if (written <= 0)
            return;
        words += written;
        left -= (size_t)written;
    }
}

void check_failed(const char *what, const char *file, int line)
{
    char words[LAST_WORDS_MAX];
    say(words, snprintf(words, sizeof(words), "%s:%d: broken promise: %s\n", file, line, what));
    abort();
}

void check_out_of_memory(size_t wanted_bytes)
{
    char words[LAST_WORDS_MAX];
    say(words,
        snprintf(words, sizeof(words), "out of memory: %zu bytes were wanted\n", wanted_bytes));
    abort();
}
