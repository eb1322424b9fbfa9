/* SPDX-License-Identifier: Apache-2.0
 *
 * config/validate/workload_rules.h - a WorkloadEntry, by itself or as an endpoint
 * of a ServiceEntry. Source: ISTIO.md 9.6.
 */
#pragma once

#include <stdbool.h>

#include "config/resource/label.h"
#include "config/yaml/view.h"

/* `port_names`: the ServiceEntry's, or NULL. */
void workload_check_entry(const struct view *entry, const struct text_list *port_names,
                          bool is_name_fine);
/* The entry's ports against the ServiceEntry's. */
void workload_check_ports(const struct view *entry, const struct text_list *port_names);
