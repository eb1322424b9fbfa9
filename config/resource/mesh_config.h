/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/mesh_config.h - Istio's MeshConfig, what of it has an effect.
 */
#pragma once

#include "config/resource/destination_rule.h"
#include "config/resource/authz_provider.h"
#include "config/resource/label.h"
#include "config/resource/proxy_settings.h"
#include "config/resource/virtual_service.h"
#include "config/yaml/view.h"

enum outbound_mode {
    OUTBOUND_UNSET,
    OUTBOUND_ALLOW_ANY,
    OUTBOUND_REGISTRY_ONLY,
    OUTBOUND_ALLOW_ANY_DYNAMIC_DNS, /* of the mesh only */
};

/* Unset: the profile's. */
enum path_normalization { PATHS_UNSET, PATHS_NONE, PATHS_BASE, PATHS_MERGE_SLASHES, PATHS_DECODE };

/* Which Ingresses are Istio's: none, those of its class, also those without. */
enum ingress_mode { INGRESS_STRICT, INGRESS_DEFAULT, INGRESS_OFF };

enum log_encoding { LOG_TEXT, LOG_JSON };

struct mesh_config {
    enum outbound_mode outbound;           /* unset: the profile's */
    const struct client_tls *outbound_tls; /* to names that are looked up; NULL: none */
    enum path_normalization paths;
    bool has_auto_mtls_off;
    struct origin auto_mtls_origin;         /* of enableAutoMtls */
    struct proxy_settings settings;         /* defaultConfig */
    const struct node *discovery_selectors; /* label selectors of namespaces; NULL: all */
    int64_t connect_timeout_ns;             /* 0: the profile's */
    struct str root_namespace;
    enum ingress_mode ingress_mode;
    struct str ingress_class;
    struct str ingress_selector; /* the label istio of the gateway's pods */
    struct str trust_domain;     /* cluster.local */
    struct text_list trust_domain_aliases;
    struct authz_provider_list authz_providers; /* of extensionProviders */
    int64_t detection_timeout_ns;               /* protocolDetectionTimeout; 0: none */
    bool is_tls13_only;                         /* meshMTLS.minProtocolVersion */
    struct text_list ciphers;                   /* meshMTLS.cipherSuites; empty: Istio's */
    struct text_list curves;                    /* meshMTLS.ecdhCurves; empty: Envoy's */
    /* tlsDefaults: of TLS that is not the mesh's own, where nobody says otherwise. */
    struct text_list default_ciphers, default_curves;
    struct str default_version_min;
    struct text_list service_export_to, virtual_service_export_to, destination_rule_export_to;
    struct str access_log_file;   /* empty: no access log */
    struct str access_log_format; /* empty: Istio's default of the encoding */
    enum log_encoding access_log_encoding;
    struct origin access_log_origin, access_log_format_origin;
    const struct http_retries *retries; /* defaultHttpRetryPolicy, or NULL */
    /* What clusters have where no DestinationRule says otherwise. */
    struct keepalive_rule tcp_keepalive;
    bool is_upgrading_h2;                    /* h2UpgradePolicy: UPGRADE */
    const struct connection_pool *pool;      /* defaultTrafficPolicy, or NULL */
    const struct outlier_rule *outlier;      /* the same */
    const struct locality_setting *locality; /* NULL: failover is on */
    int64_t dns_refresh_ns;
    uint32_t http_proxy_port; /* proxyHttpPort; 0: no listener for proxied requests */
    struct origin http_proxy_origin;
    uint32_t listen_port, inbound_listen_port; /* where what is redirected arrives */
    bool is_inbound_to_localhost;              /* inboundTrafficPolicy: LOCALHOST */
};

/* Istio's defaults (ISTIO.md 1.3). */
void mesh_config_default(struct mesh_config *out);

/* Reads over what is in `out`. */
void mesh_config_read(const struct view *root, struct mesh_config *out);

/* The text under data.mesh of the ConfigMap `istio`, a document of its own. */
void mesh_config_read_text(const struct view *config_map, struct mesh_config *out);
