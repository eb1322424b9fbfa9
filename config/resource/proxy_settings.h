/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/proxy_settings.h - what of a ProxyConfig changes what istiod sends to
 * a proxy: MeshConfig's defaultConfig, the kind ProxyConfig, and a pod's annotation
 * proxy.istio.io/config.
 *
 * Source: istio.io/api mesh/v1alpha1/proxy.proto, networking/v1beta1/proxy_config.proto;
 * pilot/pkg/model/proxy_config.go EffectiveProxyConfig.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "config/resource/label.h"
#include "config/yaml/view.h"

struct proxy_settings {
    bool has_dns_capture;      /* ISTIO_META_DNS_CAPTURE */
    bool is_accepting_http10;  /* ISTIO_META_HTTP10 */
    int64_t idle_timeout_ns;   /* ISTIO_META_IDLE_TIMEOUT; 0: not said, NS_NEVER: none */
    struct str server_name;    /* proxyHeaders.server.value; empty: Istio's */
    uint32_t xff_trusted_hops; /* gatewayTopology.numTrustedProxies, of gateways */
    bool has_no_attempt_count; /* proxyHeaders.attemptCount.disabled */
};

/* The kind. It knows environment variables only. */
struct proxy_config {
    struct object_meta meta;
    bool has_selector;
    struct label_list selector;
    struct label_list environment;
};

/* A message ProxyConfig over what is in `out`; fields that change what is sent and are
 * not acted on are complained of. */
void proxy_settings_read(const struct view *message, struct proxy_settings *out);

/* The same of a text, an annotation's. What is wrong is in `diags`, with places in the
 * text. */
void proxy_settings_read_text(struct str text, struct arena *arena, struct diag_list *diags,
                              struct proxy_settings *out);

/* Environment variables (proxyMetadata) over what is in `out`. */
void proxy_settings_take(const struct label_list *environment, struct proxy_settings *out);

void proxy_config_read(const struct view *spec, struct proxy_config *out);
