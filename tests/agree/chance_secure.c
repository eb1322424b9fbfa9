/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/agree/chance_secure.c - see chance_secure.h.
 */
#include "tests/agree/chance_secure.h"

#include <string.h>

#define SAY(chance, ...) ASSERT(buf_format((chance)->out, __VA_ARGS__) == RC_OK)

static const char *const MODES[] = {"STRICT", "STRICT", "PERMISSIVE", "DISABLE", "UNSET"};

/* Its own luck, where the other one writes; NULL: nothing is to be said. */
static struct chance *own_of(struct chance *chance)
{
    if (chance->secure != NULL)
        chance->secure->out = chance->out;
    return chance->secure;
}

/* --- servers' sides -------------------------------------------------------------- */

static void say_server_side(struct chance *own, const char *name, const char *namespace,
                            const char *app)
{
    static const char *const TIMES[] = {"", "", ", creationTimestamp: \"2024-01-02T00:00:00Z\"",
                                        ", creationTimestamp: \"2023-01-02T00:00:00Z\""};
    static const char *const PORTS[] = {"80", "8080", "9000", "7000"};
    SAY(own,
        "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\n"
        "metadata: {name: %s, namespace: %s%s}\nspec:\n",
        name, namespace, ONE_OF(own, TIMES));
    if (app != NULL)
        SAY(own, "  selector: {matchLabels: {%s}}\n", app);
    if (is_lucky(own, 85))
        SAY(own, "  mtls:\n    mode: %s\n", ONE_OF(own, MODES));
    else
        SAY(own, "  mtls: {}\n");
    if (app != NULL && is_lucky(own, 45))
        SAY(own, "  portLevelMtls:\n    %s: {mode: %s}\n", ONE_OF(own, PORTS), ONE_OF(own, MODES));
    SAY(own, "---\n");
}

static void say_server_sides(struct chance *own)
{
    static const char *const NEAR[] = {"app: a",  "v: one",    "app: b",
                                       "app: db", "app: head", "app: c"};
    if (is_lucky(own, 50))
        say_server_side(own, "mesh", "istio-system", NULL);
    if (is_lucky(own, 15))
        say_server_side(own, "odd", "istio-system", "app: a");
    if (is_lucky(own, 40))
        say_server_side(own, "home", "default", NULL);
    if (is_lucky(own, 15))
        say_server_side(own, "home-two", "default", NULL);
    for (uint64_t i = 0, count = below(own, 4); i < count; i++) {
        static const char *const NAMES[] = {"one", "two", "three"};
        say_server_side(own, NAMES[i], "default", ONE_OF(own, NEAR));
    }
}

/* --- clients' sides -------------------------------------------------------------- */

static const char *client_side(struct chance *own)
{
    static const char *const SIDES[] = {
        "{mode: DISABLE}",
        "{mode: DISABLE}",
        "{mode: ISTIO_MUTUAL}",
        "{mode: ISTIO_MUTUAL}",
        "{mode: ISTIO_MUTUAL, sni: own.example}",
        "{mode: ISTIO_MUTUAL, subjectAltNames: [\"spiffe://cluster.local/ns/default/sa/one\"]}",
        "{mode: ISTIO_MUTUAL, subjectAltNames: [somebody.example]}",
        "{mode: SIMPLE}",
        "{mode: SIMPLE, insecureSkipVerify: true}",
        "{mode: SIMPLE, caCertificates: /etc/certs/mesh-root.pem}",
        ("{mode: SIMPLE, caCertificates: /etc/certs/mesh-root.pem, sni: a.example, "
         "subjectAltNames: [\"spiffe://cluster.local/ns/default/sa/one\"]}"),
        "{mode: SIMPLE, sni: b, subjectAltNames: [b]}",
        "{mode: SIMPLE, credentialName: cred}",
        ("{mode: MUTUAL, clientCertificate: /etc/certs/own.pem, privateKey: /etc/certs/own.key, "
         "caCertificates: /etc/certs/mesh-root.pem}"),
        ("{mode: MUTUAL, clientCertificate: /etc/certs/own.pem, privateKey: /etc/certs/own.key, "
         "caCertificates: /etc/certs/mesh-root.pem, sni: x.example, subjectAltNames: "
         "[\"spiffe://cluster.local/ns/default/sa/one\"]}"),
        ("{mode: MUTUAL, clientCertificate: /etc/certs/own.pem, privateKey: /etc/certs/own.key, "
         "insecureSkipVerify: true}"),
        "{mode: MUTUAL, credentialName: cred}"};
    return ONE_OF(own, SIDES);
}

void secure_policy(struct chance *chance, bool is_subset)
{
    struct chance *own = own_of(chance);
    if (own == NULL)
        return;
    if (is_lucky(own, is_subset ? 25 : 45))
        SAY(own, ", tls: %s", client_side(own));
    if (is_lucky(own, 20))
        SAY(own, ", portLevelSettings: [{port: {number: %u}, %s%s}]",
            is_lucky(own, 80) ? 80u : 9000u,
            is_lucky(own, 80) ? "tls: " : "loadBalancer: {simple: ROUND_ROBIN}, tls: ",
            client_side(own));
}

void secure_rule(struct chance *chance)
{
    static const char *const WORDS[] = {"",
                                        "",
                                        "",
                                        "",
                                        "  exportTo: ['.']\n",
                                        "  exportTo: ['*']\n",
                                        "  exportTo: [far]\n",
                                        "  workloadSelector: {matchLabels: {app: client}}\n"};
    struct chance *own = own_of(chance);
    if (own != NULL)
        SAY(own, "%s", ONE_OF(own, WORDS));
}

static void say_client_side(struct chance *own, const char *name, const char *namespace,
                            const char *host)
{
    SAY(own,
        "apiVersion: networking.istio.io/v1\nkind: DestinationRule\n"
        "metadata: {name: %s, namespace: %s}\nspec:\n",
        name, namespace);
    secure_rule(&(struct chance){.out = own->out, .secure = own});
    SAY(own, "  host: \"%s\"\n  trafficPolicy:\n    tls: %s\n---\n", host, client_side(own));
}

static void say_client_sides(struct chance *own)
{
    static const char *const WIDE[] = {"*.local", "*.default.svc.cluster.local", "*.far"};
    if (is_lucky(own, 20))
        say_client_side(own, "wide", "istio-system", ONE_OF(own, WIDE));
    if (is_lucky(own, 25))
        say_client_side(own, "b", "default", "b");
    if (is_lucky(own, 15))
        say_client_side(own, "b", "far", "b.default.svc.cluster.local");
    if (is_lucky(own, 25))
        say_client_side(own, "head", "default", "head.default.svc.cluster.local");
    if (is_lucky(own, 20))
        say_client_side(own, "entry", "default", "in.example");
}

/* --- who may ------------------------------------------------------------------- */

static void say_may(struct chance *own, const char *name)
{
    static const char *const SPACES[] = {"default", "default", "default", "istio-system"};
    static const char *const ACTIONS[] = {"ALLOW", "ALLOW", "ALLOW", "DENY", "AUDIT"};
    static const char *const CHOSEN[] = {"app: a", "v: two", "app: b", "app: db", "app: head"};
    static const char *const SOURCES[] = {"principals: [\"cluster.local/ns/default/sa/one\"]",
                                          "principals: [\"*/ns/default/sa/*\"]",
                                          "principals: [\"*\"]",
                                          "notPrincipals: [\"cluster.local/ns/default/sa/two\"]",
                                          "notPrincipals: [\"*\"]",
                                          "principals: [\"td.example/ns/default/sa/one\"]",
                                          "namespaces: [default]",
                                          "namespaces: [\"fa*\"]",
                                          "notNamespaces: [far]",
                                          "serviceAccounts: [one]",
                                          "serviceAccounts: [default/one, far/one]",
                                          "notServiceAccounts: [default/two]",
                                          "namespaces: [default], principals: [\"*/sa/one\"]"};
    static const char *const OPERATIONS[] = {"methods: [GET]",
                                             "paths: [\"/a*\"]",
                                             "notPaths: [\"/b/*\"]",
                                             "ports: [\"80\"]",
                                             "hosts: [a, b, \"*.example\"]",
                                             "notPorts: [\"9000\"]"};
    static const char *const CONDITIONS[] = {
        "{key: \"request.headers[x-user]\", values: [jason]}",
        "{key: \"request.headers[x-user]\", notValues: [\"*\"]}",
        "{key: source.principal, values: [\"*/sa/one\"]}",
        "{key: source.namespace, notValues: [far]}",
        "{key: connection.sni, values: [\"outbound_*\"]}",
        "{key: destination.port, values: [\"80\", \"8080\"]}",
        "{key: \"request.headers[x-forwarded-client-cert]\", values: [\"*\"]}"};
    SAY(own,
        "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n"
        "metadata: {name: %s, namespace: %s}\nspec:\n  action: %s\n",
        name, ONE_OF(own, SPACES), ONE_OF(own, ACTIONS));
    if (is_lucky(own, 70))
        SAY(own, "  selector: {matchLabels: {%s}}\n", ONE_OF(own, CHOSEN));
    SAY(own, "  rules:\n  -");
    if (is_lucky(own, 80))
        SAY(own, " from: [{source: {%s}}]\n   ", ONE_OF(own, SOURCES));
    if (is_lucky(own, 40))
        SAY(own, " to: [{operation: {%s}}]\n   ", ONE_OF(own, OPERATIONS));
    SAY(own, " when: [%s]\n---\n", is_lucky(own, 35) ? ONE_OF(own, CONDITIONS) : "");
}

/* --- the rest of the mesh ---------------------------------------------------------- */

static void say_mesh_config(struct chance *own)
{
    static const char *const AUTO[] = {"", "", "", "    enableAutoMtls: false\n"};
    static const char *const DOMAINS[] = {
        "", "", "    trustDomain: td.example\n", "    trustDomainAliases: [td.example]\n",
        "    trustDomain: td.example\n    trustDomainAliases: [cluster.local, old.example]\n"};
    static const char *const VERSIONS[] = {"", "", "",
                                           "    meshMTLS: {minProtocolVersion: TLSV1_3}\n"};
    SAY(own,
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\n"
        "data:\n  mesh: |\n    accessLogFile: \"\"\n%s%s%s---\n",
        ONE_OF(own, AUTO), ONE_OF(own, DOMAINS), ONE_OF(own, VERSIONS));
}

static void say_entries(struct chance *own)
{
    static const char *const PLACES[] = {"MESH_INTERNAL", "MESH_INTERNAL", "MESH_EXTERNAL"};
    static const char *const NAMES[] = {
        "", "", ", subjectAltNames: [\"spiffe://cluster.local/ns/default/sa/one\"]"};
    static const char *const EXPORTS[] = {"", "", "", ", exportTo: ['.']"};
    SAY(own,
        "{apiVersion: v1, kind: Service, metadata: {name: head}, spec: {clusterIP: None, selector: "
        "{app: head}, ports: [{name: http, port: 80}]}}\n---\n"
        "{apiVersion: networking.istio.io/v1, kind: ServiceEntry, metadata: {name: entry}, spec: "
        "{hosts: [in.example], addresses: [10.77.0.1], location: %s, resolution: STATIC, ports: "
        "[{name: http, number: 80, protocol: HTTP, targetPort: 7000}], endpoints: [{address: c1/0, "
        "labels: {app: c}%s}]%s%s}}\n---\n",
        ONE_OF(own, PLACES), is_lucky(own, 50) ? ", serviceAccount: one" : "", ONE_OF(own, NAMES),
        ONE_OF(own, EXPORTS));
}

static void say_sidecars(struct chance *own)
{
    static const char *const HOSTS[] = {"./*", "default/*", "*/*",
                                        "default/b.default.svc.cluster.local"};
    static const char *const INGRESS[] = {
        "{port: {number: 80, protocol: HTTP, name: http}, defaultEndpoint: \"127.0.0.1:80\"}",
        "{port: {number: 8080, protocol: HTTP, name: http}, defaultEndpoint: \"127.0.0.1:8080\"}",
        "{port: {number: 9000, protocol: TCP, name: tcp}, defaultEndpoint: \"0.0.0.0:9000\"}"};
    static const char *const INSIDE[] = {"app: a", "app: b", "app: db"};
    static const char *const OUTSIDE[] = {"app: client", "app: other"};
    if (is_lucky(own, 15))
        SAY(own,
            "{apiVersion: networking.istio.io/v1, kind: Sidecar, metadata: {name: in}, spec: "
            "{workloadSelector: {labels: {%s}}, ingress: [%s]}}\n---\n",
            ONE_OF(own, INSIDE), ONE_OF(own, INGRESS));
    if (is_lucky(own, 15))
        SAY(own,
            "{apiVersion: networking.istio.io/v1, kind: Sidecar, metadata: {name: out}, spec: "
            "{workloadSelector: {labels: {%s}}, egress: [{hosts: [\"%s\"]}]}}\n---\n",
            ONE_OF(own, OUTSIDE), ONE_OF(own, HOSTS));
}

static void say_gateway(struct chance *own)
{
    static const char *const TLS[] = {
        "{mode: SIMPLE, credentialName: cred}",
        "{mode: MUTUAL, credentialName: cred}",
        "{mode: OPTIONAL_MUTUAL, credentialName: cred}",
        "{mode: SIMPLE, credentialName: cred, minProtocolVersion: TLSV1_3}",
        "{mode: SIMPLE, serverCertificate: /etc/certs/own.pem, privateKey: /etc/certs/own.key}",
        "{mode: ISTIO_MUTUAL}"};
    static const char *const HOSTS[] = {"'*'", "shop.example", "'*.example'", "other.example"};
    SAY(own,
        "{apiVersion: networking.istio.io/v1, kind: Gateway, metadata: {name: safe}, spec: "
        "{selector: {istio: ingressgateway}, servers: [{port: {number: 443, name: https, protocol: "
        "HTTPS}, tls: %s, hosts: [%s]}]}}\n---\n",
        ONE_OF(own, TLS), ONE_OF(own, HOSTS));
}

void secure_objects(struct chance *chance)
{
    struct chance *own = own_of(chance);
    if (own == NULL)
        return;
    if (is_lucky(own, 40))
        say_mesh_config(own);
    say_server_sides(own);
    say_client_sides(own);
    if (is_lucky(own, 45))
        say_may(own, "may-one");
    if (is_lucky(own, 20))
        say_may(own, "may-two");
    say_entries(own);
    say_sidecars(own);
    say_gateway(own);
}

void secure_port(struct chance *chance)
{
    struct chance *own = own_of(chance);
    if (own != NULL && is_lucky(own, 40))
        say(own, ", targetPort: 8080");
}

/* --- the world ------------------------------------------------------------------- */

void secure_party(struct chance *chance, bool is_client)
{
    static const char *const ACCOUNTS[] = {"one", "one", "two"};
    static const char *const FAULTS[] = {"expired",  "not-yet-valid", "wrong-san",
                                         "wrong-ca", "self-signed",   "none"};
    static const char *const DOMAINS[] = {"td.example", "old.example"};
    static const char *const VERSIONS[] = {"maxTls: \"1.2\"", "minTls: \"1.3\""};
    struct chance *own = own_of(chance);
    if (own == NULL)
        return;
    if (is_lucky(own, 75))
        SAY(own, ", serviceAccount: %s", ONE_OF(own, ACCOUNTS));
    if (is_lucky(own, 15))
        SAY(own, ", cert: %s", ONE_OF(own, FAULTS));
    else if (is_lucky(own, 8))
        SAY(own, ", trustDomain: %s", ONE_OF(own, DOMAINS));
    if (is_lucky(own, 12))
        SAY(own, ", %s", ONE_OF(own, VERSIONS));
    if (!is_client && is_lucky(own, 18))
        SAY(own, ", sidecar: false");
}

void secure_clients(struct chance *chance)
{
    static const char *const CALLS[] = {"{mode: SIMPLE}", "{mode: SIMPLE, sni: shop.example}",
                                        "{mode: MUTUAL}", "{mode: MUTUAL, sni: shop.example}",
                                        "{mode: SIMPLE, sni: none.example}"};
    struct chance *own = own_of(chance);
    if (own == NULL)
        return;
    SAY(own, "    far: {via: sidecar, namespace: far, labels: {app: far}");
    secure_party(chance, true);
    SAY(own,
        "}\n    nobody: {via: none}\n    visitor: {via: gateway, gateway: default/safe, tls: %s}\n",
        ONE_OF(own, CALLS));
}

void secure_workloads(struct chance *chance)
{
    struct chance *own = own_of(chance);
    if (own == NULL)
        return;
    SAY(own, "    head1: {service: head, labels: {app: head}");
    secure_party(chance, false);
    SAY(own, "}\n    c1: {labels: {app: c}, ports: [7000]");
    secure_party(chance, false);
    SAY(own, "}\n");
}

bool secure_case(struct chance *chance)
{
    static const char *const CASES[] = {
        "authority: head, uri: /a}, from: client",
        "authority: head, uri: /a}, from: other",
        "authority: head.default, uri: /a}, from: far",
        "authority: in.example, uri: /a}, from: client",
        "authority: in.example, uri: /a, headers: {x-user: jason}}, from: far",
        "authority: b, uri: /a}, from: client",
        "authority: b, uri: /x, headers: {x-user: jason}}, from: other",
        "authority: b.default, uri: /a}, from: far",
        "authority: b.default.svc.cluster.local, uri: /b/2}, from: far",
        "authority: a.default, uri: /a}, from: far",
        "authority: b, uri: /a}, from: nobody",
        "authority: db, port: 9000, uri: /x}, from: nobody",
        "authority: db.default, port: 9000, uri: /x}, from: far",
        "authority: head, uri: /x, to: head1/0}, from: nobody",
        "authority: in.example, uri: /x, to: c1/0}, from: nobody",
        ("authority: b, uri: /a, headers: {x-forwarded-client-cert: \"By=me;URI=spiffe://x\"}}, "
         "from: client"),
        ("authority: b, uri: /a, headers: {x-forwarded-client-cert: \"By=me;URI=spiffe://x\"}}, "
         "from: nobody"),
        "authority: shop.example, uri: /a}, from: visitor",
        "authority: shop.example, uri: /b/1}, from: visitor",
        ("authority: shop.example, uri: /a, headers: {x-forwarded-client-cert: Hash=1}}, from: "
         "visitor")};
    struct chance *own = own_of(chance);
    if (own == NULL || !is_lucky(own, 55))
        return false;
    const char *words = ONE_OF(own, CASES);
    /* A session of bytes has its record at its end, which nobody waits for when it is kept. */
    bool is_repeated = is_lucky(own, 20) && strstr(words, "9000") == NULL;
    SAY(own, "{%s%s}\n", words, is_repeated ? ", repeat: 3" : "");
    return true;
}
