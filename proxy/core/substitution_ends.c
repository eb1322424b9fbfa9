/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/substitution_ends.c - values from the two connections of an exchange.
 */
#include <stdio.h>

#include "base/check.h"
#include "proxy/core/substitution_row.h"

static void place(const struct substitution_question *q, struct str address, uint32_t port)
{
    struct substitution_value *value = q->value;
    if (address.len == 0 || address.len + 8 > sizeof(value->scratch))
        return;
    bool is_bare_v6 = address.ptr[0] != '[' && str_find(address, ':') != STR_NONE;
    int size = snprintf(value->scratch, sizeof(value->scratch),
                        is_bare_v6 ? "[%.*s]:%u" : "%.*s:%u", STR_FMT(address), port);
    substitution_text(q, (struct str){value->scratch, (size_t)size});
}

static void port(const struct substitution_question *q, struct str address, uint32_t value)
{
    if (address.len > 0)
        substitution_number(q, value);
}

void substitution_read_remote(const struct substitution_question *q)
{
    place(q, substitution_record(q)->downstream.remote_address,
          substitution_record(q)->downstream.remote_port);
}

void substitution_read_remote_alone(const struct substitution_question *q)
{
    substitution_text_unless_empty(q, substitution_record(q)->downstream.remote_address);
}

void substitution_read_remote_port(const struct substitution_question *q)
{
    port(q, substitution_record(q)->downstream.remote_address,
         substitution_record(q)->downstream.remote_port);
}

void substitution_read_direct_remote(const struct substitution_question *q)
{
    place(q, substitution_record(q)->downstream.direct_address,
          substitution_record(q)->downstream.direct_port);
}

void substitution_read_direct_remote_alone(const struct substitution_question *q)
{
    substitution_text_unless_empty(q, substitution_record(q)->downstream.direct_address);
}

void substitution_read_direct_remote_port(const struct substitution_question *q)
{
    port(q, substitution_record(q)->downstream.direct_address,
         substitution_record(q)->downstream.direct_port);
}

void substitution_read_local(const struct substitution_question *q)
{
    place(q, substitution_record(q)->downstream.local_address,
          substitution_record(q)->downstream.local_port);
}

void substitution_read_local_alone(const struct substitution_question *q)
{
    substitution_text_unless_empty(q, substitution_record(q)->downstream.local_address);
}

void substitution_read_local_port(const struct substitution_question *q)
{
    port(q, substitution_record(q)->downstream.local_address,
         substitution_record(q)->downstream.local_port);
}

void substitution_read_connection_id(const struct substitution_question *q)
{
    substitution_number(q, (int64_t)substitution_record(q)->downstream.connection_id);
}

void substitution_read_upstream_connection_id(const struct substitution_question *q)
{
    substitution_number(q, (int64_t)substitution_record(q)->upstream.connection_id);
}

void substitution_read_upstream_cluster(const struct substitution_question *q)
{
    if (substitution_record(q)->cluster != NULL)
        substitution_text_unless_empty(q, substitution_record(q)->cluster_name);
}

void substitution_read_attempt_count(const struct substitution_question *q)
{
    substitution_number(q, substitution_record(q)->attempt_count);
}

void substitution_read_transport_failure(const struct substitution_question *q)
{
    substitution_word(q, substitution_record(q)->transport_failure);
}

/* Where the last attempt went: an endpoint, or an original destination. */
static struct str host_address(const struct record *record, uint32_t *host_port)
{
    bool is_endpoint = record->endpoint != NULL;
    *host_port = is_endpoint ? record->endpoint->port : record->upstream.port;
    return is_endpoint ? record->endpoint->address : record->upstream.address;
}

void substitution_read_upstream_host(const struct substitution_question *q)
{
    uint32_t host_port;
    struct str address = host_address(substitution_record(q), &host_port);
    place(q, address, host_port);
}

void substitution_read_upstream_host_alone(const struct substitution_question *q)
{
    uint32_t host_port;
    substitution_text_unless_empty(q, host_address(substitution_record(q), &host_port));
}

void substitution_read_upstream_remote(const struct substitution_question *q)
{
    if (substitution_record(q)->upstream.connection_id != 0)
        substitution_read_upstream_host(q);
}

void substitution_read_upstream_remote_alone(const struct substitution_question *q)
{
    if (substitution_record(q)->upstream.connection_id != 0)
        substitution_read_upstream_host_alone(q);
}

void substitution_read_upstream_remote_port(const struct substitution_question *q)
{
    uint32_t host_port;
    struct str address = host_address(substitution_record(q), &host_port);
    if (substitution_record(q)->upstream.connection_id != 0)
        port(q, address, host_port);
}

void substitution_read_upstream_local(const struct substitution_question *q)
{
    place(q, substitution_record(q)->upstream.local_address,
          substitution_record(q)->upstream.local_port);
}

void substitution_read_upstream_local_alone(const struct substitution_question *q)
{
    substitution_text_unless_empty(q, substitution_record(q)->upstream.local_address);
}

void substitution_read_upstream_local_port(const struct substitution_question *q)
{
    port(q, substitution_record(q)->upstream.local_address,
         substitution_record(q)->upstream.local_port);
}
