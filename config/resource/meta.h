/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/meta.h - metadata: what every object has.
 */
#pragma once

#include "config/resource/label.h"
#include "config/resource/mesh.h"
#include "config/yaml/view.h"

/* 2023-11-14T22:13:20Z: the age of everything without creationTimestamp. */
#define META_CREATED_NS (INT64_C(1700000000) * 1000000000)

/* Reads metadata of the object at `root`. */
void meta_read(const struct view *root, struct object_meta *out);

/* Istio's order of objects: the older first, then by name, then by namespace. */
int meta_order(const struct object_meta *a, const struct object_meta *b);
