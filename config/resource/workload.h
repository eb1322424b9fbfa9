/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/workload.h - what makes pods: Deployment, StatefulSet,
 * DaemonSet, ReplicaSet; and Pods themselves.
 */
#pragma once

#include "config/resource/label.h"
#include "config/resource/mesh.h"
#include "config/yaml/view.h"

struct workload {
    struct object_meta meta;
    struct object_meta template; /* of its pods: labels and annotations */
    uint32_t replica_count;
    struct str service_account;
    struct container_port *ports;
    uint32_t port_count;
    bool has_host_network;
    struct str node; /* nodeName; empty: not said */
};

/* A Node: all that counts of it are its labels. */
struct machine {
    struct object_meta meta;
};

void workload_read(const struct view *spec, struct workload *out);

/* Reads spec and status of a Pod. */
void pod_read(const struct view *root, struct pod *out);
