/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/access_log.h - one line for each exchange, as Envoy writes it.
 *
 * A format is compiled once and then only read, by any thread. Rendering asks
 * for no memory: the line goes into the caller's bytes, or does not fit.
 *
 * Text: literal text and commands (substitution.h). JSON: an object whose string
 * values are formats; a value that is one command alone keeps its type (numbers
 * stay numbers, what is missing is null), others are strings with "-" for what
 * is missing. Keys are sorted, as in Envoy.
 *
 * Source: ENVOY.md 11.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"
#include "proxy/core/record.h"
#include "proxy/model/listener.h"

struct access_log_format;

/* What is wrong with a format. */
struct access_log_error {
    size_t at;       /* byte of the text where the mistake begins */
    struct str what; /* "%FOO%: no such command"; in the arena */
};

/* What Envoy writes when a log has no format. Ends in a newline. */
extern const struct str ACCESS_LOG_ENVOY_TEXT;

/* Compiles; everything lives in `arena`. NULL: *error says why. The text of
 * ACCESS_LOG_JSON is a JSON object. */
const struct access_log_format *access_log_format_new(enum access_log_encoding encoding,
                                                      struct str text, struct arena *arena,
                                                      struct access_log_error *error);

struct access_log_facts {
    const struct record *record;
    int64_t epoch_seconds; /* since 1970 at the driver's time 0 */
    struct str hostname;   /* %HOSTNAME%; empty: "-" */
};

/* Writes the line for it, its newline included (JSON ends in one; text as the
 * format says); its length, or 0 when it does not fit: then `out` is garbage. */
size_t access_log_render(const struct access_log_format *format,
                         const struct access_log_facts *facts, char *out, size_t capacity);
