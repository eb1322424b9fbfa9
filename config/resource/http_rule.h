/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/http_rule.h - one entry of a VirtualService's http list.
 */
#pragma once

#include "config/resource/virtual_service.h"

void http_rule_read(const struct view *rule, struct str namespace, struct http_rule *out);
