/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/server_tls.h - ServerTLSSettings: how a Gateway's server or a
 * Sidecar's ingress listener deals with TLS.
 */
#pragma once

#include <stdbool.h>

#include "config/resource/label.h"
#include "config/yaml/view.h"

enum server_tls_mode {
    SERVER_TLS_PASSTHROUGH,
    SERVER_TLS_SIMPLE,
    SERVER_TLS_MUTUAL,
    SERVER_TLS_AUTO_PASSTHROUGH,
    SERVER_TLS_ISTIO_MUTUAL,
    SERVER_TLS_OPTIONAL_MUTUAL,
};

struct server_tls {
    enum server_tls_mode mode;
    bool is_redirecting_to_https;
    struct str certificate, private_key, authorities; /* files */
    struct str credential_name, authorities_credential;
    struct text_list credential_names;
    struct text_list more_certificates, more_keys; /* tlsCertificates: files, pair by pair */
    struct text_list names;                        /* subjectAltNames */
    struct text_list hashes, key_hashes; /* verifyCertificateHash, verifyCertificateSpki */
    struct str crl;                      /* caCrl: a file */
    struct text_list ciphers;            /* those that Envoy knows, once each */
    struct str version_min, version_max; /* "TLSv1_2"; empty: Envoy's */
    bool is_not_verifying; /* insecureSkipVerify: clients' certificates need not be good */
    struct origin origin;
};

/* "MUTUAL", as it is written. */
struct str server_tls_mode_name(enum server_tls_mode mode);

/* Connections are handed on as they are. */
bool server_tls_is_passthrough(const struct server_tls *tls);

/* A name that Envoy has for a cipher suite; what begins with no letter and no digit is an
 * operator of the cipher language, and passes. */
bool server_tls_knows_cipher(struct str text);

/* NULL when the view is absent. */
const struct server_tls *server_tls_read(const struct view *tls);
