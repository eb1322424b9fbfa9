/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/proxy_name.h - from what a user calls a proxy to who it is.
 *
 * POD, WORKLOAD, KIND/NAME, each perhaps with .NAMESPACE; a gateway also by
 * its Service, or as NAMESPACE/GATEWAY. A name that is in no file is a proxy
 * without labels.
 */
#pragma once

#include "base/arena.h"
#include "cli/words.h"
#include "config/resource/mesh.h"
#include "config/translate/translate.h"

/* What the command line says in place of the files; empty: nothing. */
struct proxy_wish {
    struct str name;      /* as the user wrote it */
    struct str namespace; /* -n */
    struct str type;      /* sidecar, router */
    struct str address, service_account;
    struct label *labels;
    uint32_t label_count;
};

/* The mesh must be complete. What comes back lives as long as mesh and arena. */
struct proxy_identity proxy_name_resolve(struct mesh *mesh, const struct proxy_wish *wish,
                                         struct arena *arena);

/* Says on standard error, unless it is to be quiet, that nobody has the name, where
 * nothing else was said of the proxy either. */
void proxy_name_doubt(const struct mesh *mesh, const struct proxy_wish *wish,
                      const struct words *words);
