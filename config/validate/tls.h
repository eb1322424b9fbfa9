/* SPDX-License-Identifier: Apache-2.0
 *
 * config/validate/tls.h - TLS settings of servers (Gateway, Sidecar ingress)
 * and of clients (DestinationRule). Source: ISTIO.md 9.4, 9.5.
 */
#pragma once

#include "config/yaml/view.h"

void tls_check_server(const struct view *tls);
void tls_check_client(const struct view *tls, struct str namespace);
