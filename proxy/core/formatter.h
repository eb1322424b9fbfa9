/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/formatter.h - Envoy's substitution commands in header values.
 *
 * %REQ(NAME?OTHER):MAX%, %RESP(...)%, %PROTOCOL%, %RESPONSE_CODE%,
 * %RESPONSE_CODE_DETAILS%, %RESPONSE_FLAGS%, %ROUTE_NAME%, %VIRTUAL_CLUSTER_NAME%
 * and the like; %% is a percent sign. A value that is missing renders as
 * nothing (ENVOY.md 2.8: omit_empty_values).
 *
 * Source: ENVOY.md 2.8, 11.2.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "proxy/core/record.h"
#include "proxy/model/message.h"

struct formatter_facts {
    const struct request_head *request;
    const struct response_head *response; /* NULL before there is one */
    const struct record *record;
    struct str remote_address; /* of the downstream peer; without port; may be empty */
};

/* The value with its commands replaced, in `arena`, or `format` itself when it
 * has none. A command that is not known renders as nothing. */
struct str formatter_render(struct str format, const struct formatter_facts *facts,
                            struct arena *arena);
