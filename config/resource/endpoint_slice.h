/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/endpoint_slice.h - EndpointSlice and Endpoints: endpoints of
 * a service that were written down.
 */
#pragma once

#include "config/resource/label.h"
#include "config/resource/mesh.h"
#include "config/yaml/view.h"

struct slice_port {
    struct str name;
    uint32_t port;
};

struct slice_endpoint {
    struct str address;
    struct str pod; /* targetRef; empty: none */
    bool is_ready;
    struct origin origin;
};

/* One EndpointSlice, or one item of Endpoints' subsets. */
struct endpoint_slice {
    struct object_meta meta;
    struct str service; /* in the slice's namespace */
    struct slice_port *ports;
    uint32_t port_count, port_capacity;
    struct slice_endpoint *endpoints;
    uint32_t endpoint_count, endpoint_capacity;
};

void endpoint_slice_read(const struct view *root, struct endpoint_slice *out);

/* Endpoints: one slice for each subset. */
uint32_t endpoints_subset_count(const struct view *root);
void endpoints_subset_read(const struct view *root, uint32_t index, struct endpoint_slice *out);
