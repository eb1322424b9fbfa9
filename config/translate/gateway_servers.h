/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/gateway_servers.h - the servers of all Gateways that select
 * this proxy, put together by the port and address they listen on.
 *
 * Source: ISTIO.md 5.7.
 */
#pragma once

#include "config/resource/gateway.h"
#include "config/translate/context.h"

struct gateway_server_place {
    const struct gateway_server *server;
    const struct gateway *gateway;
};

/* One listener. */
struct merged_servers {
    uint32_t port;   /* where it listens: the pod's */
    struct str bind; /* empty: all addresses */
    bool is_http;    /* else there is no listener yet, only a taken port */
    bool is_tls;
    struct gateway_server_place *servers;
    uint32_t server_count, server_capacity;
};

struct merged_gateway {
    struct merged_servers *items;
    uint32_t count, capacity;
    /* "PORT HOST" of servers with a tls block -> index into tls_binds. */
    struct map tls_hosts;
    struct text_list tls_binds;
};

struct merged_gateway gateway_servers_merge(struct translation *t);
