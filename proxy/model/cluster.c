/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/cluster.c - words that prints, tables and pages share.
 */
#include "proxy/model/cluster.h"

#include "base/check.h"

struct str endpoint_health_name(enum endpoint_health health)
{
    switch (health) {
    case ENDPOINT_HEALTHY:
        return STR("HEALTHY");
    case ENDPOINT_UNHEALTHY:
        return STR("UNHEALTHY");
    case ENDPOINT_DRAINING:
        return STR("DRAINING");
    }
    UNREACHABLE("endpoint_health");
}
