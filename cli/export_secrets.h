/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/export_secrets.h - certificates, keys and roots of an exported proxy, as files:
 *
 *   DIR/authorities.pem      the authorities, which the next export signs with, too
 *   DIR/mesh.pem, public.pem whom sidecars believe, and callers of gateways
 *   DIR/POD.NAMESPACE/...    what this proxy has
 */
#pragma once

#include "cli/words.h"
#include "proxy/model/bootstrap.h"
#include "testbed/world/keyring_alone.h"

/* Writes them, keys for their owner only, and tells the bootstrap where they are; `wish`
 * is complete but for its authority. Slices live in `arena`. False: *why says why not. */
bool export_secrets(struct str folder, const struct keyring_alone_wish *wish,
                    struct bootstrap_options *options, struct arena *arena, struct str *why);
