/* SPDX-License-Identifier: Apache-2.0
 *
 * base/bytes.h - large structs, cleared and copied by the C library.
 *
 * What a compiler writes itself for a size that it knows is, from some hundred bytes on,
 * one slow instruction on many processors (rep stos, rep movs): these are calls.
 */
#pragma once

#include <stddef.h>

void bytes_clear(void *at, size_t size);
/* They do not overlap. */
void bytes_copy(void *to, const void *from, size_t size);
