/* SPDX-License-Identifier: Apache-2.0
 *
 * config/validate/word.h - may a host, port, address, duration, protocol be
 * written so? In the words of Istio's webhook.
 *
 * The same questions as config/resource/syntax.h, asked for another judge:
 * there the answer decides what pocketmesh does with an object, and gives
 * advice; here it is what a cluster would say. Source: ISTIO.md 9.2.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "config/yaml/view.h"

/* What is wrong with a word; id is DIAG_ID_COUNT when nothing is. */
struct word_fault {
    enum diag_id id;
    struct str arg0, arg1;
};

bool word_is_fine(struct word_fault fault);
/* Says it at the view; true when there was nothing to say. */
bool word_say(const struct view *view, struct word_fault fault);
struct str word_text(struct word_fault fault, struct arena *arena);

struct word_fault word_fqdn(struct str host);
struct word_fault word_wildcard_domain(struct str host);
/* Of a VirtualService bound to gateways only: outbound_.80_._.host is a name
 * as well where SNI is matched. */
struct word_fault word_gateway_domain(struct str host, bool is_sni);
struct word_fault word_ip(struct str address);
struct word_fault word_subnet(struct str address); /* an address or a CIDR block */
struct word_fault word_port_name(struct str name);
struct word_fault word_protocol(struct str protocol); /* empty is fine */
struct word_fault word_partial_wildcard(struct str host);
struct word_fault word_unix_path(struct str path); /* without unix:// */

/* NAMESPACE/HOST of a Gateway's server or a Sidecar's egress listener. */
void word_check_scoped_host(const struct view *view, struct str text, bool is_gateway);
/* 1..65535 */
void word_check_port(const struct view *view, int64_t number);
bool word_is_port(int64_t number);
/* A field: at least 1 ms, whole milliseconds; absent is fine. */
void word_check_duration(const struct view *view, struct str name);
/* A field's duration; 0 when absent or none. */
int64_t word_duration_ns(const struct view *view, struct str name);
/* 0..100 */
void word_check_percent(const struct view *view, struct str name);
/* A map of Kubernetes labels. */
void word_check_labels(const struct view *map);
struct word_fault word_label_key(struct str key);
bool word_is_label_value(struct str value);
/* A list of hosts of gateways: NAME or NAMESPACE/NAME. */
void word_check_gateways(const struct view *list);
/* At most 1024 bytes of RE2; `where` is Istio's word for the field. */
void word_check_regex(const struct view *view, struct str pattern, struct str where);

enum word_protocol_kind {
    WORD_PROTOCOL_UNSUPPORTED,
    WORD_PROTOCOL_HTTP, /* HTTP, HTTP2, GRPC, GRPC-WEB, HTTP_PROXY */
    WORD_PROTOCOL_TLS,  /* HTTPS, TLS */
    WORD_PROTOCOL_TCP,  /* TCP, MONGO, REDIS, MYSQL */
    WORD_PROTOCOL_UDP,
};

enum word_protocol_kind word_protocol_kind(struct str protocol);
