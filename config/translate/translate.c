/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/translate.c - see translate.h.
 */
#include "config/translate/translate.h"

#include "config/translate/clusters.h"
#include "config/translate/context.h"
#include "config/translate/envoy_filter.h"
#include "config/translate/gateway_listeners.h"
#include "config/translate/listeners.h"
#include "config/translate/observe.h"
#include "config/translate/policy.h"
#include "config/translate/settings.h"

#define SCRATCH_BLOCK_BYTES (64u * 1024)

struct snapshot *translate_proxy(const struct mesh *mesh, const struct proxy_identity *proxy,
                                 const struct profile *profile, struct diag_list *diags)
{
    struct snapshot *snapshot = snapshot_new();
    struct translation t = {
        .snapshot = snapshot,
        .arena = &snapshot->arena,
        .mesh = mesh,
        .proxy = proxy,
        .profile = profile,
        .diags = diags,
    };

    ASSERT(mesh->is_complete);
    arena_init(&t.scratch, SCRATCH_BLOCK_BYTES, 0);
    map_init(&t.kept, &t.scratch);
    snapshot->proxy_name = context_keep(&t, proxy->name);
    snapshot->proxy_namespace = context_keep(&t, proxy->namespace);
    snapshot->proxy_type = proxy->type;
    settings_find(&t);
    context_find_services(&t);
    if (t.outbound == OUTBOUND_UNSET && proxy->type == PROXY_SIDECAR)
        snapshot->defaults |= DEFAULT_UNKNOWN_HOST;
    policy_prepare(&t);
    switch (proxy->type) {
    case PROXY_SIDECAR:
        listeners_of_sidecar(&t);
        break;
    case PROXY_ROUTER:
        gateway_listeners(&t);
        break;
    }
    observe_listeners(&t);
    clusters_translate(&t);
    envoy_filter_complain(&t);
    arena_fini(&t.scratch);
    return snapshot;
}
