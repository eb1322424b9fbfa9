/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/inspect/flag.c - Envoy's response flags, in sentences.
 */
#include "testbed/inspect/flag.h"

#include "base/check.h"

struct str flag_meaning(struct str flag)
{
    static const struct {
        struct str flag, meaning;
    } ROWS[] = {
        {STR_INIT("NR"), STR_INIT("no route: no rule of the host matched, or no such host")},
        {STR_INIT("NC"),
         STR_INIT("no cluster: the rule names a host, port or subset that is not there")},
        {STR_INIT("UH"), STR_INIT("no healthy upstream: the cluster has no usable pod")},
        {STR_INIT("UT"), STR_INIT("upstream timeout: the route's timeout passed")},
        {STR_INIT("UMSDR"),
         STR_INIT("upstream max stream duration reached: an attempt lived for as long as it may")},
        {STR_INIT("UF"),
         STR_INIT("upstream connection failure: the pod could not be connected to")},
        {STR_INIT("UC"),
         STR_INIT("upstream connection termination: the pod closed before it answered")},
        {STR_INIT("UPE"), STR_INIT("upstream protocol error: what the pod sent is not HTTP")},
        {STR_INIT("UO"), STR_INIT("upstream overflow: a circuit breaker was full")},
        {STR_INIT("DI"), STR_INIT("delay injected: a fault made the request wait")},
        {STR_INIT("FI"), STR_INIT("fault injected: a fault aborted the request")},
        {STR_INIT("URX"), STR_INIT("upstream retry limit exceeded: the attempts are used up")},
        {STR_INIT("DC"), STR_INIT("downstream connection termination: the caller left")},
        {STR_INIT("DPE"), STR_INIT("downstream protocol error: what the caller sent is not HTTP")},
        {STR_INIT("LR"), STR_INIT("local reset of the upstream request")},
        {STR_INIT("UR"), STR_INIT("remote reset by the upstream")},
    };
    for (size_t i = 0; i < COUNT_OF(ROWS); i++)
        if (str_eq(ROWS[i].flag, flag))
            return ROWS[i].meaning;
    return STR_EMPTY;
}
