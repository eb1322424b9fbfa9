/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/http/client_cert.h - x-forwarded-client-cert: who showed which certificate,
 * hop by hop. Source: ENVOY.md 9.6.
 */
#pragma once

#include "base/arena.h"
#include "proxy/model/listener.h"
#include "proxy/model/message.h"
#include "proxy/model/secret.h"

/* Sets or takes off the header, as the connection manager is told to. `peer`: what the
 * client showed, `own`: what it was shown; NULL: none. Slices made here live in
 * `arena`. */
void client_cert_set(enum client_cert_details details, const struct certificate *peer,
                     const struct certificate *own, struct header_list *headers,
                     struct arena *arena);
