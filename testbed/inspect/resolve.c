/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/inspect/resolve.c - see resolve.h.
 */
#include "testbed/inspect/resolve.h"

#include <stdbool.h>
#include <string.h>

#include "config/resource/host.h"
#include "proxy/core/chain.h"

#define SOME_ADDRESS STR("1.3.3.7") /* of a call that names none */

/* A call with everything filled in, and what the listener's filters saw. */
struct question {
    struct resolve_call call;
    bool has_tls_inspector;
    struct arena *scratch;
};

static struct str usual_alpn(const struct resolve_call *call)
{
    static const struct str MTLS[] = {STR_INIT("istio-http/1.1"), STR_INIT("istio-h2"),
                                      STR_INIT("istio")};
    static const struct str TLS[] = {STR_INIT("http/1.1"), STR_INIT("h2"), STR_INIT("")};

    return call->tls == RESOLVE_MTLS ? MTLS[call->protocol] : TLS[call->protocol];
}

static struct resolve_call filled(const struct resolve_call *call)
{
    struct resolve_call out = *call;

    if (out.sni.len == 0 && out.tls == RESOLVE_TLS)
        out.sni = out.host;
    if (out.path.len == 0)
        out.path = STR("/");
    if (out.address.len == 0)
        out.address = SOME_ADDRESS;
    if (out.alpn.len == 0 && out.tls != RESOLVE_PLAINTEXT)
        out.alpn = usual_alpn(&out);
    return out;
}

/* --- listeners ---------------------------------------------------------- */

static const struct listener *listener_named(const struct snapshot *snapshot, struct str name)
{
    for (uint32_t i = 0; i < snapshot->listener_count; i++) {
        if (str_eq(snapshot->listeners[i].name, name))
            return &snapshot->listeners[i];
    }
    return NULL;
}

static const struct listener *listener_at(const struct snapshot *snapshot, struct str address,
                                          uint32_t port)
{
    for (uint32_t i = 0; i < snapshot->listener_count; i++) {
        const struct listener *listener = &snapshot->listeners[i];
        if (listener->port == port && str_eq(listener->address, address))
            return listener;
    }
    return NULL;
}

static const struct listener *find_listener(const struct snapshot *snapshot,
                                            const struct resolve_call *call)
{
    if (call->mode == RESOLVE_INBOUND)
        return listener_named(snapshot, STR("virtualInbound"));
    const struct listener *found = listener_at(snapshot, call->address, call->port);
    if (found == NULL)
        found = listener_at(snapshot, STR("0.0.0.0"), call->port);
    return found != NULL ? found : listener_named(snapshot, STR("virtualOutbound"));
}

/* --- filter chains ------------------------------------------------------ */

/* NULL: *error says why. */
static const struct filter_chain *find_chain(const struct listener *listener,
                                             const struct question *question, struct str *error)
{
    const struct resolve_call *call = &question->call;
    struct chain_question asked = {
        .listener = listener,
        .destination_port = call->port,
        .destination_address = call->address,
        /* Nobody who looks: it is never known to be TLS. */
        .is_tls = question->has_tls_inspector && call->tls != RESOLVE_PLAINTEXT,
        .server_name = call->sni,
        .protocols = &call->alpn,
        .protocol_count = call->alpn.len > 0,
    };
    uint32_t count;
    const struct filter_chain *chain = chain_choose(&asked, &count);

    if (count > 1)
        *error = STR("MultipleFilterChain");
    else if (chain == NULL)
        *error = STR("NoFilterChain");
    return count > 1 ? NULL : chain;
}

static bool has_tls(const struct filter_chain *chain)
{
    return chain->is_tls || chain->tls != NULL;
}

/* The certificate that is meant, and the client's asked for. */
static bool wants_mtls(const struct filter_chain *chain, const struct resolve_call *call)
{
    const struct downstream_tls *tls = chain->tls;
    struct str secret = call->mtls_secret.len > 0 ? call->mtls_secret : STR("default");

    return tls != NULL && tls->certificate_count > 0 && str_eq(tls->certificates[0], secret) &&
           tls->is_client_certificate_required;
}

/* --- routes ------------------------------------------------------------- */

/* The host without its port. */
static struct str without_port(struct str host)
{
    size_t colon = str_find_last(host, ':');
    size_t bracket = str_find(host, ']');

    if (colon == STR_NONE)
        return host;
    if (host.len > 0 && host.ptr[0] == '[')
        return bracket != STR_NONE && colon == bracket + 1 ? str_slice(host, 1, bracket) : host;
    return str_find(host, ':') == colon ? str_slice(host, 0, colon) : host;
}

enum domain_kind { DOMAIN_EXACT, DOMAIN_SUFFIX, DOMAIN_PREFIX, DOMAIN_ANY };

static bool domain_means(struct str domain, enum domain_kind kind, struct str host)
{
    switch (kind) {
    case DOMAIN_EXACT:
        return str_eq(domain, host);
    case DOMAIN_SUFFIX:
        return domain.len > 0 && domain.ptr[0] == '*' && host.len >= domain.len &&
               str_has_suffix(host, str_from(domain, 1));
    case DOMAIN_PREFIX:
        return domain.len > 0 && domain.ptr[domain.len - 1] == '*' && host.len >= domain.len &&
               str_has_prefix(host, str_slice(domain, 0, domain.len - 1));
    case DOMAIN_ANY:
        return str_eq(domain, STR("*"));
    }
    UNREACHABLE("domain_kind");
}

static const struct virtual_host *find_virtual_host(const struct route_config *config,
                                                    struct str host)
{
    if (config->is_port_ignored)
        host = without_port(host);
    for (int kind = DOMAIN_EXACT; kind <= DOMAIN_ANY; kind++) {
        const struct virtual_host *best = NULL;
        size_t longest = 0;
        for (uint32_t i = 0; i < config->virtual_host_count; i++) {
            const struct virtual_host *candidate = &config->virtual_hosts[i];
            for (uint32_t k = 0; k < candidate->domain_count; k++) {
                struct str domain = candidate->domains[k];
                if (domain.len > longest && domain_means(domain, (enum domain_kind)kind, host)) {
                    best = candidate;
                    longest = domain.len;
                }
            }
        }
        if (best != NULL)
            return best;
    }
    return NULL;
}

static bool path_fits(const struct path_matcher *matcher, struct str path)
{
    switch (matcher->kind) {
    case PATH_PREFIX:
    case PATH_SEPARATED_PREFIX:
        return str_has_prefix(path, matcher->value);
    case PATH_EXACT:
        return str_eq(path, matcher->value);
    case PATH_REGEX:
        return regex_matches_part(matcher->regex, path);
    }
    UNREACHABLE("path_match_kind");
}

static void resolve_routes(const struct http_connection_manager *manager,
                           const struct resolve_call *call, struct resolve_answer *out)
{
    const struct route_config *config = manager->routes;

    if (!manager->has_inline_routes)
        out->route_config = config->name;
    const struct virtual_host *host = find_virtual_host(config, call->host);
    if (host == NULL) {
        out->error = STR("NoVirtualHost");
        return;
    }
    out->virtual_host = host->name;
    if (host->require_tls == REQUIRE_TLS_ALL && call->tls == RESOLVE_PLAINTEXT) {
        out->error = STR("TLSRedirect");
        return;
    }
    for (uint32_t i = 0; i < host->route_count; i++) {
        const struct route *route = &host->routes[i];
        if (!path_fits(&route->match.path, call->path))
            continue;
        out->route = route->name;
        if (route->action == ROUTE_FORWARD)
            out->cluster = route->forward.cluster;
        return;
    }
    out->error = STR("NoRoute");
}

static void resolve_chain(const struct filter_chain *chain, const struct resolve_call *call,
                          struct resolve_answer *out)
{
    bool is_plaintext = call->tls == RESOLVE_PLAINTEXT;

    out->filter_chain = chain->name;
    if (has_tls(chain) && is_plaintext) {
        out->error = STR("TLSError");
    } else if (has_tls(chain) && wants_mtls(chain, call) != (call->tls == RESOLVE_MTLS)) {
        out->error = STR("MTLSError");
    } else if (chain->kind == CHAIN_TCP) {
        out->cluster = chain->tcp.cluster;
    } else if ((!is_plaintext && !has_tls(chain)) || call->protocol == RESOLVE_TCP) {
        out->error = STR("ProtocolError");
    } else {
        resolve_routes(&chain->http, call, out);
    }
}

struct resolve_answer resolve(const struct snapshot *snapshot, const struct resolve_call *call,
                              struct arena *scratch)
{
    static const struct str PLAIN_ALPN[] = {STR_INIT("http/1.1"), STR_INIT("h2c"), STR_INIT("")};
    struct question question = {.call = filled(call), .scratch = scratch};
    struct resolve_answer out = {0};

    if (call->alpn.len > 0 && call->tls == RESOLVE_PLAINTEXT) {
        out.error = STR("invalid call, ALPN can only be sent in TLS requests");
        return out;
    }
    const struct listener *listener = find_listener(snapshot, &question.call);
    if (listener == NULL) {
        out.error = STR("NoListener");
        return out;
    }
    out.listener = listener->name;
    question.has_tls_inspector = chain_is_inspected(&listener->tls_inspector, question.call.port);
    if (!question.has_tls_inspector)
        question.call.alpn = STR_EMPTY;
    bool is_http = call->protocol != RESOLVE_TCP && call->tls == RESOLVE_PLAINTEXT;
    if (is_http && chain_is_inspected(&listener->http_inspector, question.call.port))
        question.call.alpn = PLAIN_ALPN[call->protocol];
    const struct filter_chain *chain = find_chain(listener, &question, &out.error);
    if (chain != NULL)
        resolve_chain(chain, &question.call, &out);
    return out;
}
