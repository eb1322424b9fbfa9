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

/* Servers of one port, address and protocol. Where the first speaks TLS, or has
 * another protocol, several of these share a listener. */
struct merged_servers {
    uint32_t port;   /* where it listens: the pod's */
    struct str bind; /* empty: all addresses */
    struct str protocol;
    bool is_http; /* plain text of the HTTP family: one chain and table for all */
    struct gateway_server_place *servers;
    uint32_t server_count, server_capacity;
};

/* The servers of one route table of plain HTTP: those since a place of its port and
 * address was last opened. */
struct table_servers {
    struct gateway_server_place *servers;
    uint32_t server_count, server_capacity;
};

struct merged_gateway {
    struct merged_servers *items; /* in the order of their first servers */
    uint32_t count, capacity;
    struct map plain_ports; /* "PORT" -> index of the latest without TLS */
    /* "PORT HOST" of servers with a tls block -> index into tls_binds. */
    struct map tls_hosts;
    struct text_list tls_binds;
    struct table_servers *tables;
    uint32_t table_count, table_capacity;
    struct map table_index; /* "PORT BIND" */
    bool has_auto_passthrough;
};

struct merged_gateway gateway_servers_merge(struct translation *t);

/* The servers whose routes are in the table of a place of plain HTTP. */
const struct table_servers *gateway_servers_of_table(struct translation *t,
                                                     const struct merged_gateway *merged,
                                                     const struct merged_servers *place);
