/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/secrets.h - what Secrets of the manifests hold: certificates with their
 * keys, and authorities, as istiod reads and delivers them.
 *
 * Of what is in a key no text ever says more than that it is wrong.
 *
 * Source: ISTIO.md 5.9.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/origin.h"
#include "base/str.h"
#include "config/yaml/diag.h"
#include "proxy/model/secret.h"
#include "testbed/world/manifest.h"

/* Also OpenShift's Routes: "kubernetes://route-NAMESPACE-NAME" is what a Route itself says,
 * or the Secret of its externalCertificate; with "-destination" its authority for what is
 * behind it.
 *
 * "kubernetes://NAME" (of `namespace`) or "kubernetes-gateway://NAMESPACE/NAME"; NULL:
 * there is no such Secret, or it is no name of one. Of several the last, as when they
 * are applied one after the other. With `is_authority` NAME-cacert, else NAME. */
const struct node *secrets_find(const struct manifests *manifests, struct str namespace,
                                struct str sds_name, bool is_authority);
/* Is it a Route? Where it says nothing the router has something of its own. */
bool secrets_is_route(const struct node *secret);
/* By what the Secret itself is called. */
const struct node *secrets_named(const struct manifests *manifests, struct str namespace,
                                 struct str name);

enum secret_verdict {
    SECRET_FINE,
    SECRET_EMPTY, /* it lacks the keys, or they hold no PEM at all */
    SECRET_WRONG, /* what looks like PEM is wrong; the problem says how */
};

struct secret_problem {
    struct str text; /* in words of the Secret's keys: "tls.key is not the key of tls.crt" */
    struct origin origin;
};

/* A chain with its key: told in words and as PEM, in `arena`. */
enum secret_verdict secrets_certificate(const struct node *secret, struct arena *arena,
                                        struct certificate *out, struct secret_problem *problem);
/* Authorities, PEM, and what they are called. */
struct secret_authorities {
    struct str pem;
    const struct str *names;
    uint32_t count;
};
enum secret_verdict secrets_authorities(const struct node *secret, struct arena *arena,
                                        struct secret_authorities *out,
                                        struct secret_problem *problem);
/* What a key of a Secret holds: stringData over data. Empty: nothing. *origin: its place.
 * False: it is no base64. */
bool secrets_value(const struct node *secret, struct str key, struct arena *arena, struct str *out,
                   struct origin *origin);
