/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/context.h - what one translation knows: the mesh, the proxy,
 * what of the mesh this proxy sees, and the snapshot that grows.
 *
 * Text that goes into the snapshot is copied there (context_keep): a snapshot
 * outlives the mesh it was made from.
 */
#pragma once

#include "base/map.h"
#include "config/profile/profile.h"
#include "config/resource/mesh_types.h"
#include "config/resource/service.h"
#include "config/translate/translate.h"
#include "proxy/model/snapshot.h"

/* What one egress listener of the proxy's Sidecar lets in, or (egress NULL)
 * everything that is exported to the proxy. */
struct scope {
    const struct sidecar_egress *egress;
    const struct service **services; /* in Istio's order */
    uint32_t service_count;
    const struct service **aliases; /* ExternalName */
    uint32_t alias_count;
};

struct translation {
    struct snapshot *snapshot;
    struct arena *arena; /* the snapshot's */
    struct arena scratch;
    const struct mesh *mesh;
    const struct proxy_identity *proxy;
    const struct profile *profile;
    struct diag_list *diags;

    struct proxy_settings settings;
    const struct sidecar *sidecar; /* the proxy's; NULL: none */
    enum outbound_mode outbound;   /* unset: the profile's */
    struct scope *scopes;          /* one for each egress listener, at least one */
    uint32_t scope_count;
    struct scope whole; /* all of them, and what VirtualServices lead to */

    /* What this proxy sees, in Istio's order: those of `whole`. */
    const struct service **services;
    uint32_t service_count;
    struct map service_by_host;
    const struct service **aliases; /* ExternalName */
    uint32_t alias_count;
    struct map alias_by_host;
    /* All ExternalName services, by namespace and name: as further names of a
     * service they count even where they are not exported to. */
    const struct service **names;
    uint32_t name_count;
    struct map name_by_host;
    const struct service_chains *by_host; /* all of the mesh's, seen or not */
    /* DestinationRules by namespace, merged; see policy.h */
    struct policy_index *policies;

    const struct authz_filters *authz; /* once asked for; see authz.h */

    bool has_auto_passthrough; /* a gateway's server passes TLS on by its greeting */

    struct str last_file, last_file_kept; /* of origins */
    struct map kept;                      /* text -> index into kept_texts */
    struct str *kept_texts;
    uint32_t kept_count, kept_capacity;
};

/* A copy in the snapshot; the same text is copied once. */
struct str context_keep(struct translation *t, struct str text);
struct origin context_keep_origin(struct translation *t, struct origin origin);

/* The proxy is allowed to see an object of `namespace` with this exportTo
 * (empty: `otherwise`, and that empty: everyone). */
bool context_is_exported(const struct translation *t, const struct text_list *export_to,
                         const struct text_list *otherwise, struct str namespace);

/* Copies in the snapshot. */
const struct str *context_keep_list(struct translation *t, const struct text_list *list);

/* All addresses of the proxy's family, and the one of itself. */
struct str context_any_address(const struct translation *t);
struct str context_localhost(const struct translation *t);
bool context_is_ipv6(const struct translation *t);

/* What the mesh says, else the profile. */
int64_t context_connect_timeout_ns(const struct translation *t);
/* What a port speaks; where it does not say, the profile may say TCP. */
enum port_protocol context_protocol(const struct translation *t, const struct service_port *port);

/* Fills what the proxy sees of Services. */
void context_find_services(struct translation *t);
/* NULL: unknown to this proxy. */
const struct service *context_service(const struct translation *t, struct str host);
/* What an ExternalName host stands for, through chains; the host itself when it
 * is none. */
struct str context_resolve_alias(const struct translation *t, struct str host);
