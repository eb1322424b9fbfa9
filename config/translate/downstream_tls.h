/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/downstream_tls.h - ServerTLSSettings to Envoy's
 * DownstreamTlsContext: names of secrets, versions, who may connect.
 *
 * Source: ISTIO.md 5.8, 5.9.
 */
#pragma once

#include "config/resource/server_tls.h"
#include "config/translate/context.h"

/* Of settings that end TLS, in the snapshot. `is_tcp`: no HTTP comes out of it. */
const struct downstream_tls *downstream_tls_translate(struct translation *t,
                                                      const struct server_tls *from, bool is_tcp);
