/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/world_maker.h - what the files that build a world share: world_make.c
 * the whole and its clients, world_pods.c the pods.
 */
#pragma once

#include "config/yaml/diag.h"
#include "testbed/world/roster.h"
#include "testbed/world/world.h"

#define BYTE_MAX 254u /* hosts in the last byte of an address */

struct maker {
    struct world *world;
    struct roster roster;
    struct arena *arena;
    struct diag_list *diags;
};

/* The roster's, with addresses; for services that select them they listen later. */
void world_make_pods(struct maker *maker);
/* Tells the mesh of it, and it of the ports that others call. */
void world_declare_pod(struct maker *maker, struct world_pod *pod);
/* Pods that manifests declare as such; they answer 200. */
void world_adopt_bare_pods(struct maker *maker);
