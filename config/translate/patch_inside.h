/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/patch_inside.h - what the files behind patch_match.h share: reading
 * messages, and what an operation does.
 */
#pragma once

#include "config/translate/patch_match.h"

/* Fields of a message; empty, 0, an empty list or NULL: not there. */
struct str patch_text(const struct json_value *object, struct str key);
uint32_t patch_number(const struct json_value *object, struct str key);
const struct json_value *patch_list(const struct json_value *object, struct str key);
bool patch_list_has(const struct json_value *list, struct str text);
bool patch_is_inbound(const struct json_value *listener);

/* `outbound|80|v1|host` in its parts; other names have none. */
struct subset_key {
    struct str direction, subset, host;
    uint32_t port;
};
struct subset_key patch_key_of(struct str name);

/* MERGE, or the one that replaces lists. */
bool patch_is_merge(const struct envoy_patch *patch);
/* INSERT_BEFORE, _AFTER, _FIRST; for what has no order these are ADD. */
bool patch_is_insertion(const struct envoy_patch *patch);
bool patch_is_addition(const struct envoy_patch *patch);
bool patch_is_in_context(const struct patch_ground *ground, const struct envoy_patch *patch,
                         bool is_inbound);

/* Of the routes, those of inbound listeners among them. */
bool patch_any_routes(const struct patch_ground *ground, const struct envoy_patch *patch);
