/* SPDX-License-Identifier: Apache-2.0
 *
 * config/validate/attribute.h - values that an AuthorizationPolicy compares: of
 * its lists, and of the keys of its conditions. Source: ISTIO.md 9.7.
 */
#pragma once

#include "config/yaml/view.h"

/* Lists of texts; `word` is Istio's name of the field. */
void attribute_check_empty(const struct view *list, struct str word);
void attribute_check_accounts(const struct view *list, struct str word);
void attribute_check_trust_domains(const struct view *list, struct str word);
void attribute_check_paths(const struct view *list, struct str word);
void attribute_check_ips(const struct view *list);
void attribute_check_ports(const struct view *list);

/* Values of a condition's key; `id` is DIAG_V_AP_VALUE or DIAG_V_AP_NOT_VALUE. */
void attribute_check(const struct view *list, struct str key, enum diag_id id);
