/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/config_dump.h - a snapshot as Envoy's admin interface shows it:
 * ConfigDump messages with proto field names (snake_case), private keys
 * redacted.
 *
 * Source: ENVOY.md 13.3.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/regex.h"
#include "proxy/model/snapshot.h"

struct config_dump {
    const struct snapshot *snapshot;
    struct str version;             /* of this program */
    struct str last_updated;        /* 2026-01-01T00:00:00.000Z */
    struct str resource;            /* dynamic_listeners, ...; empty: everything */
    const struct regex *name_regex; /* NULL: all; the whole name must match */
    bool has_endpoints;             /* include_eds */
};

/* The page, pretty printed. False: there is no such resource. */
bool config_dump_print(const struct config_dump *dump, struct buf *out);
