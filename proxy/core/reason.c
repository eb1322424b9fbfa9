/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/reason.c - the tables of reasons and failures.
 */
#include "proxy/core/reason.h"

#include "base/check.h"

static const struct reason_row REASONS[] = {
    [REASON_NONE] = {STR_INIT(""), 0, STR_INIT(""), STR_INIT(""),
                     STR_INIT("a response was forwarded")},
#define X(id, flag, status, details, body, english) \
    [REASON_##id] = {STR_INIT(flag), status, STR_INIT(details), STR_INIT(body), STR_INIT(english)},
#include "proxy/core/reason.def"
#undef X
};

static const struct failure_row FAILURES[] = {
    [FAILURE_NONE] = {STR_INIT(""), STR_INIT(""), 0},
#define X(id, words, flag, status) [FAILURE_##id] = {STR_INIT(words), STR_INIT(flag), status},
#include "proxy/core/failure.def"
#undef X
};

const struct reason_row *reason_row(enum reason reason)
{
    ASSERT((size_t)reason < COUNT_OF(REASONS));
    return &REASONS[reason];
}

const struct failure_row *failure_row(enum failure failure)
{
    ASSERT((size_t)failure < COUNT_OF(FAILURES));
    return &FAILURES[failure];
}

struct str reason_flag_long(struct str flag)
{
    static const struct {
        struct str flag, name;
    } names[] = {
        {STR_INIT("LH"), STR_INIT("FailedLocalHealthCheck")},
        {STR_INIT("UH"), STR_INIT("NoHealthyUpstream")},
        {STR_INIT("UT"), STR_INIT("UpstreamRequestTimeout")},
        {STR_INIT("LR"), STR_INIT("LocalReset")},
        {STR_INIT("UR"), STR_INIT("UpstreamRemoteReset")},
        {STR_INIT("UF"), STR_INIT("UpstreamConnectionFailure")},
        {STR_INIT("UC"), STR_INIT("UpstreamConnectionTermination")},
        {STR_INIT("UO"), STR_INIT("UpstreamOverflow")},
        {STR_INIT("NR"), STR_INIT("NoRouteFound")},
        {STR_INIT("DI"), STR_INIT("DelayInjected")},
        {STR_INIT("FI"), STR_INIT("FaultInjected")},
        {STR_INIT("RL"), STR_INIT("RateLimited")},
        {STR_INIT("UAEX"), STR_INIT("UnauthorizedExternalService")},
        {STR_INIT("RLSE"), STR_INIT("RateLimitServiceError")},
        {STR_INIT("DC"), STR_INIT("DownstreamConnectionTermination")},
        {STR_INIT("URX"), STR_INIT("UpstreamRetryLimitExceeded")},
        {STR_INIT("SI"), STR_INIT("StreamIdleTimeout")},
        {STR_INIT("IH"), STR_INIT("InvalidEnvoyRequestHeaders")},
        {STR_INIT("DPE"), STR_INIT("DownstreamProtocolError")},
        {STR_INIT("UPE"), STR_INIT("UpstreamProtocolError")},
        {STR_INIT("UMSDR"), STR_INIT("UpstreamMaxStreamDurationReached")},
        {STR_INIT("RFCF"), STR_INIT("ResponseFromCacheFilter")},
        {STR_INIT("NFCF"), STR_INIT("NoFilterConfigFound")},
        {STR_INIT("DT"), STR_INIT("DurationTimeout")},
        {STR_INIT("NC"), STR_INIT("NoClusterFound")},
        {STR_INIT("OM"), STR_INIT("OverloadManagerTerminated")},
        {STR_INIT("DF"), STR_INIT("DnsResolutionFailed")},
        {STR_INIT("DO"), STR_INIT("DropOverload")},
        {STR_INIT("DR"), STR_INIT("DownstreamRemoteReset")},
        {STR_INIT("UDO"), STR_INIT("UnconditionalDropOverload")},
    };
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (str_eq(names[i].flag, flag))
            return names[i].name;
    return flag;
}
