/* SPDX-License-Identifier: Apache-2.0
 *
 * config/derive/convert.h - entrances become Gateways and VirtualServices.
 *
 * istiod turns them into its own kinds first, and so is it here: the object
 * becomes the tree of a Gateway or VirtualService, whose nodes have the places
 * of what the user wrote, and that is read like any other. What is wrong with
 * the user's words is said here; what is read from the made tree is not.
 */
#pragma once

#include "config/resource/destination_rule.h"
#include "config/resource/entrance.h"
#include "config/resource/virtual_service.h"
#include "config/yaml/make.h"

/* The object's views, for the stack. */
struct entrance_view {
    struct view root, spec;
};

struct entrance_view *entrance_view_init(const struct entrance *entrance,
                                         struct entrance_view *out);

/* Reads a made spec; silently. What is read is added to the mesh's list and
 * answered; it stays there until the next one is added. */
struct virtual_service *entrance_add_virtual_service(struct mesh *mesh,
                                                     const struct object_meta *meta,
                                                     const struct node *spec);
struct destination_rule *entrance_add_destination_rule(struct mesh *mesh,
                                                       const struct object_meta *meta,
                                                       const struct node *spec);
struct gateway *entrance_add_gateway(struct mesh *mesh, const struct object_meta *meta,
                                     const struct node *spec);
struct destination_rule *entrance_add_destination_rule(struct mesh *mesh,
                                                       const struct object_meta *meta,
                                                       const struct node *spec);

/* A made rule, and its matches, were written at `path` ("spec.rules[0]"). */
void entrance_set_path(struct http_rule *rule, struct str path);

/* NULL: none of that kind and name. */
const struct entrance *entrance_find(const struct mesh *mesh, enum entrance_kind kind,
                                     struct str namespace, struct str name);

/* Turns all of them into Gateways, VirtualServices, and what a cluster would
 * deploy for them; before the mesh's lists are put in order, once. */
void entrances_convert(struct mesh *mesh);

/* The parts. Source: ISTIO.md 8.1; 8.2, 8.3; 8.4. */
void ingresses_convert(struct mesh *mesh);
void gateway_api_convert(struct mesh *mesh);
void openshift_routes_convert(struct mesh *mesh);
