/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/fuzz/fuzz_plain.c - whatever the quick reader of YAML takes, libyaml reads
 * the same; what it does not take has left no trace.
 */
#include "tests/config/yaml/twice.h"
#include "tests/fuzz/replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    ASSERT(twice_read((struct str){(const char *)bytes, size}) != TWICE_DIFFERENT);
    return 0;
}
