/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/fuzz/replay.h - without libFuzzer: runs the files named as arguments,
 * and the files of folders named as arguments, once each.
 *
 * Included last by every fuzz_*.c; empty unless REPLAY is defined.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#ifdef REPLAY

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

/* The program exits with 1 when a file cannot be read: a corpus that is not
 * there proves nothing. */
static void replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    uint8_t *bytes = NULL;
    size_t size = 0, capacity = 0, got = 1;
    while (got > 0) {
        if (size == capacity) {
            capacity = capacity == 0 ? 65536 : 2 * capacity;
            bytes = realloc(bytes, capacity);
            if (bytes == NULL)
                exit(1);
        }
        got = fread(bytes + size, 1, capacity - size, file);
        size += got;
    }
    fclose(file);
    /* Of exactly this size, so that a sanitizer sees one byte too far. */
    bytes = realloc(bytes, size == 0 ? 1 : size);
    (void)LLVMFuzzerTestOneInput(bytes, size);
    free(bytes);
}

static size_t replay_folder(DIR *folder, const char *path)
{
    size_t count = 0;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char name[4096];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
        replay_file(name);
        count++;
    }
    return count;
}

int main(int argc, char **argv)
{
    size_t count = 0;
    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);
        if (folder == NULL) {
            replay_file(argv[i]);
            count++;
            continue;
        }
        count += replay_folder(folder, argv[i]);
        closedir(folder);
    }
    printf("%zu passed, 0 failed\n", count);
    return 0;
}

#endif
