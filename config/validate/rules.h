/* SPDX-License-Identifier: Apache-2.0
 *
 * config/validate/rules.h - the judges of the kinds, one file for each family.
 * All are asked about a spec whose shape was checked (schema.h), and say every
 * error and warning that Istio's webhook would. Source: ISTIO.md 9.3-9.7.
 */
#pragma once

#include "base/str.h"
#include "config/yaml/view.h"

struct judged {
    struct str namespace, name;
    struct view labels, annotations; /* of the metadata */
};

void virtual_service_rules(const struct view *spec, const struct judged *object);
void destination_rule_rules(const struct view *spec, const struct judged *object);
void gateway_rules(const struct view *spec, const struct judged *object);
void service_entry_rules(const struct view *spec, const struct judged *object);
void workload_entry_rules(const struct view *spec, const struct judged *object);
void workload_group_rules(const struct view *spec, const struct judged *object);
void sidecar_rules(const struct view *spec, const struct judged *object);
void envoy_filter_rules(const struct view *spec, const struct judged *object);
void proxy_config_rules(const struct view *spec, const struct judged *object);
void authorization_policy_rules(const struct view *spec, const struct judged *object);
void request_authentication_rules(const struct view *spec, const struct judged *object);
void peer_authentication_rules(const struct view *spec, const struct judged *object);
void telemetry_rules(const struct view *spec, const struct judged *object);
void wasm_plugin_rules(const struct view *spec, const struct judged *object);
void traffic_extension_rules(const struct view *spec, const struct judged *object);
