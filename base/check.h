/* SPDX-License-Identifier: Apache-2.0
 *
 * base/check.h - what must be true, said where it must be.
 *
 * ASSERT is for mistakes of ours only; it is compiled in always and ends the
 * process with the place and the words. What the world or the user does wrong
 * is never an ASSERT.
 */
#pragma once

#include <stddef.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define MUST_USE __attribute__((warn_unused_result))
#define NORETURN __attribute__((noreturn))
#define PRINTF_LIKE(format_index, first) __attribute__((format(printf, format_index, first)))

#define ASSERT(condition) ((condition) ? (void)0 : check_failed(#condition, __FILE__, __LINE__))

/* For the place after a switch over one of our own enums. */
#define UNREACHABLE(what) check_failed("unreachable: " what, __FILE__, __LINE__)

/* Prints the broken promise to standard error and aborts. */
NORETURN void check_failed(const char *what, const char *file, int line);

/* Ends the process with a message when the machine is out of memory. */
NORETURN void check_out_of_memory(size_t wanted_bytes);
