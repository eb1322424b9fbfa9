/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/proxy_secret.h - the secrets that a proxy's transport sockets ask for (SDS),
 * and what the manifests' Secrets answer.
 *
 * What istiod or the proxy's own agent would make or read from a file is there,
 * but nothing of it is known here. Source: ISTIO.md 5.9, 10.7.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "config/yaml/tree.h"
#include "proxy/model/snapshot.h"

enum proxy_secret_source {
    SECRET_MADE,    /* "default", "ROOTCA", files: not of the manifests */
    SECRET_FOUND,   /* a Secret has it */
    SECRET_MISSING, /* asked for, and never answered */
};

struct proxy_secret {
    struct str name;
    bool is_authority; /* asked for as a validation context */
    enum proxy_secret_source source;
    struct str pem; /* SECRET_FOUND: the chain, or the authorities */
    struct str why; /* SECRET_MISSING, in Istio's words */
    /* What the first certificate says; serial empty: it is none. */
    bool is_ca, is_valid;
    struct str serial, not_after, not_before;
};

struct proxy_secret_list {
    struct proxy_secret *items;
    uint32_t count, capacity;
};

/* Each once, those that are missing first. `now_s`: seconds since 1970. */
struct proxy_secret_list proxy_secrets_of(const struct snapshot *snapshot,
                                          const struct documents *documents, int64_t now_s,
                                          struct arena *arena);

/* istioctl's table; `is_named`: names as `all` has them. */
enum rc proxy_secret_table(const struct proxy_secret_list *list, bool is_named, struct arena *arena,
                           struct buf *out) MUST_USE;
/* Envoy's SecretsConfigDump; keys are redacted, as there. */
void proxy_secret_json(const struct proxy_secret_list *list, struct arena *arena,
                       struct json *json);
