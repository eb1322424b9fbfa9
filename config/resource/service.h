/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/service.h - Kubernetes' Service, and what protocol a port of
 * it speaks.
 */
#pragma once

#include "config/resource/label.h"
#include "config/resource/mesh.h"
#include "config/yaml/view.h"

/* ISTIO.md 4.3. */
enum port_protocol {
    PORT_HTTP,
    PORT_HTTP2,
    PORT_GRPC,
    PORT_GRPC_WEB,
    PORT_HTTP_PROXY,
    PORT_HTTPS,
    PORT_TLS,
    PORT_TCP,
    PORT_MONGO,
    PORT_REDIS,
    PORT_MYSQL,
    PORT_UDP,
    PORT_SNIFFED, /* nothing said: found out from the first bytes */
};

/* What an annotation of a service, or of its namespace, says of trafficDistribution;
 * false: nothing. */
bool service_distribution_note(const struct object_meta *meta, enum traffic_distribution *out);

void service_read(const struct view *spec, struct service *out);

enum port_protocol service_port_protocol(const struct service_port *port);
bool port_protocol_is_http(enum port_protocol protocol);  /* not the sniffed ones */
bool port_protocol_is_http2(enum port_protocol protocol); /* upstream speaks HTTP/2 */
bool port_protocol_is_tls(enum port_protocol protocol);

bool service_is_headless(const struct service *service);
/* Headless, or a ServiceEntry without resolution: to the address dialled. */
bool service_is_passthrough(const struct service *service);
bool service_is_external(const struct service *service); /* MESH_EXTERNAL */
/* DYNAMIC_DNS of a wildcard: each request's own host is looked up. */
bool service_is_looking_up(const struct service *service);
bool service_is_external_name(const struct service *service);
