/* SPDX-License-Identifier: Apache-2.0
 *
 * base/bytes.c - see bytes.h.
 */
#include "base/bytes.h"

#include <string.h>

/* Link-time optimization would find out the sizes. */
#if defined(__has_attribute) && __has_attribute(noipa)
#define OPAQUE __attribute__((noipa))
#else
#define OPAQUE __attribute__((noinline))
#endif

OPAQUE void bytes_clear(void *at, size_t size)
{
    memset(at, 0, size);
}

OPAQUE void bytes_copy(void *to, const void *from, size_t size)
{
    memcpy(to, from, size);
}
