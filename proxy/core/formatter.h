/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/formatter.h - Envoy's substitution commands in header values.
 *
 * The commands are those of substitution.def; %% is a percent sign. A value that
 * is missing renders as nothing (ENVOY.md 2.8: omit_empty_values), and so does
 * what is no command.
 *
 * Source: ENVOY.md 2.8, 11.2.
 */
#pragma once

#include "base/arena.h"
#include "proxy/core/record.h"
#include "proxy/model/message.h"

struct formatter_facts {
    const struct request_head *request;
    const struct response_head *response; /* NULL before there is one */
    const struct record *record;
};

/* The value with its commands replaced, in `arena`, or `format` itself when it
 * has none. */
struct str formatter_render(struct str format, const struct formatter_facts *facts,
                            struct arena *arena);
