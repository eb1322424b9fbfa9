/* SPDX-License-Identifier: Apache-2.0
 *
 * base/bytes.c - see bytes.h.
 */
#include "base/bytes.h"

#include <string.h>

__attribute__((noinline, noclone)) void bytes_clear(void *at, size_t size)
{
    memset(at, 0, size);
}

__attribute__((noinline, noclone)) void bytes_copy(void *to, const void *from, size_t size)
{
    memcpy(to, from, size);
}
