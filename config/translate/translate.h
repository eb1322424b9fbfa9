/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/translate.h - what istiod sends to one proxy.
 *
 * Resources and one proxy's identity in, a snapshot out; names, domains,
 * addresses and order are istiod's (ISTIO.md). Pure and repeatable.
 */
#pragma once

#include "config/profile/profile.h"
#include "config/resource/mesh.h"
#include "config/yaml/diag.h"
#include "proxy/model/snapshot.h"

struct proxy_identity {
    enum proxy_type type;
    struct str name, namespace;
    const struct label *labels;
    uint32_t label_count;
    struct str address; /* its own IP */
    struct str service_account;
};

/* A new snapshot, held once by the caller. Never fails: what cannot be
 * translated is left out as istiod leaves it out; diagnostics say what. */
struct snapshot *translate_proxy(const struct mesh *mesh, const struct proxy_identity *proxy,
                                 const struct profile *profile, struct diag_list *diags);
