# SPDX-License-Identifier: Apache-2.0
"""Cases from a seed: what a client says, byte by byte, and what a backend answers. The same seed makes the same cases."""
import copy
import random

from exchange import PLAIN

USUAL, ODD, RARE = 12, 3, 1  # weights


class Request:
    def __init__(self, start, headers, body=b""):
        self.start, self.headers, self.body = start, headers, body

    def data(self):
        if self.headers is None:  # HTTP/0.9, or a start line alone
            return self.start
        return self.start + b"\r\n" + b"".join(line + b"\r\n" for line in self.headers) + b"\r\n" + self.body


class Case:
    """Everything that is played; `cuts` are where the bytes are split, `end` is what the client does in the end."""

    def __init__(self, place, requests, answers, cuts, end, is_waiting):
        self.place, self.requests, self.answers, self.cuts, self.end = place, requests, answers, cuts, end
        self.is_waiting = is_waiting  # between pieces, so that the proxy reads them one by one
        self.limit = None             # only so many bytes are said

    def data(self):
        data = b"".join(r.data() for r in self.requests)
        return data if self.limit is None else data[:self.limit]

    def pieces(self):
        data, out, last = self.data(), [], 0
        for cut in sorted(set(self.cuts)):
            if last < cut < len(data):
                out.append(data[last:cut])
                last = cut
        return out + [data[last:]]

    def methods(self):
        return [r.start.split(b" ")[0].decode("latin-1") for r in self.requests]

    def copy(self):
        return copy.deepcopy(self)

    def lines(self):
        out = [f"to the {self.place}, the client says{' (waiting between the pieces)' if self.is_waiting else ''}:"]
        out += ["  " + repr(piece)[1:] for piece in self.pieces()]
        out += [f"and at the end {'ends its side' if self.end == 'fin' else 'asks GET /are-you-there'}; the backend answers:"]
        for when, steps in self.answers or [("end", PLAIN)]:
            said = ", ".join(repr(s[1])[1:] if s[0] == "send" else s[0] for s in steps)
            out.append(f"  {'after the head' if when == 'head' else 'after the request'}: {said}")
        return out


def pick(rng, *rows):
    """One of (weight, value)."""
    return rng.choices([v for _, v in rows], [w for w, _ in rows])[0]


METHODS = [b"GET", b"POST", b"PUT", b"HEAD", b"DELETE", b"OPTIONS", b"PATCH"]
ODD_METHODS = [b"TRACE", b"CONNECT", b"QUERY", b"PURGE", b"PROPFIND", b"MKCOL", b"M-SEARCH", b"LINK", b"SOURCE", b"SEARCH", b"REPORT",
               b"FOO", b"get", b"GETX", b"G", b"PRI", b"DESCRIBE", b"ANNOUNCE", b"BREW", b"", b"GE T", b"G\x80T", b"G(T", b"LOCK", b"ACL"]
PATHS = [b"/", b"/a", b"/a/b", b"/a?q=1", b"/a/b/c?x=1&y=2", b"/direct", b"/away", b"/old/x", b"/old/x?y", b"/are-you-there/x", b"/a/", b"/away?x=1#y"]
ODD_PARTS = [b"%2f", b"%2F", b"%5c", b"\\", b"..", b".", b"/./", b"/../", b"//", b"%2e", b"%2e%2e/", b"%41", b"%7e", b"%00", b"%0a", b"%20", b"%", b"%4",
             b"%zz", b"#frag", b"#", b"?", b"??", b"?a#b", b";p=1", b":", b"@", b"*", b"~", b"!", b"'", b"\"", b"<>", b"|", b"^", b"`", b"{}", b"\xc3\xa9",
             b"\xff", b"\x80", b"\x7f", b"\x01", b"\t", b" ", b"%C3%A9", b"+", b"=", b"&", b",", b"[", b"]", b"%25", b"%2525", b"a" * 300]
HOSTS = [b"app", b"app", b"app", b"app:9080", b"app.default", b"app.default.svc.cluster.local"]
ODD_HOSTS = [b"", b"APP", b"app.", b"app:", b"app:80", b"app:99999", b"nobody", b"a b", b"a/b", b"user@app", b"[::1]", b"[::1]:9080", b"app,app", b"127.0.0.1",
             b"a_b", b"\xc3\xa9", b"app\t", b"-", b"%41pp", b"app:9080:1", b"a" * 300, b"app?x", b"app#x", b"*"]


def target(rng):
    path = rng.choice(PATHS)
    for _ in range(pick(rng, (USUAL, 0), (ODD, 1), (RARE, 3))):
        at = rng.randint(1, len(path))
        path = path[:at] + rng.choice(ODD_PARTS) + path[at:]
    scheme = pick(rng, (4, b"http"), (1, b"https"), (1, b"HTTP"), (1, b"ftp"), (1, b"ws"))
    return pick(rng, (40, path), (3, scheme + b"://" + rng.choice(HOSTS) + path), (1, scheme + b"://" + rng.choice(HOSTS)),
                (1, scheme + b"://" + rng.choice(ODD_HOSTS) + path), (1, b"*"), (1, rng.choice(HOSTS)), (1, b"app:443"), (1, path.lstrip(b"/")),
                (1, b"?x=1"), (1, b""), (1, b"http:/" + path), (1, b"http:" + path), (1, b"http://"), (1, b"/" + path), (1, b"http://app?x=1"), (1, b"http://app#x"))


PLAIN_HEADERS = [b"accept: */*", b"user-agent: test/1", b"x-a: 1", b"x-a: 2", b"X-Mixed: Yes", b"cookie: a=1", b"cookie: b=2; c=3", b"accept-encoding: gzip",
                 b"referer: http://x.example/y", b"origin: http://x.example", b"content-type: text/plain", b"authorization: Basic YTpi", b"via: 1.1 x", b"x-gone: y",
                 b"range: bytes=0-1", b"if-none-match: \"x\"", b"x-b3-traceid: 0123456789abcdef0123456789abcdef", b"traceparent: 00-1-2-01", b"accept-language: de, en"]
ODD_HEADERS = [
    b"x-empty:", b"x-space: ", b"x-a:no-space", b"x-a:   many   ", b"x-a:\ttab\t", b"x-a : before", b"x-a\t: before", b" x-a: leading", b"x-fold: a\r\n b",
    b"x-fold: a\r\n\tb", b"x-nul: a\x00b", b"x-ctl: a\x01b", b"x-del: a\x7fb", b"x-high: \xe4\xff", b"x-utf: \xc3\xa9", b"x-cr: a\rb", b"x-lf: a\nb", b"x(y): 1", b"x y: 1",
    b"x\xe4: 1", b"x_under: 1", b": empty", b"no colon", b":path: /other", b"x@y: 1", b"x\"y: 1", b"x-bare-lf: 1\nx-after: 2", b"\tx: 1", b"x-tab: a\tb", b"x-quote: \"a, b\"",
    b"x-long: " + b"v" * 4000, b"x-" + b"n" * 300 + b": 1", b"%x: 1", b"x~!#$&'*+.^`|: 1", b"x/y: 1", b"x-comma: a,,b", b"x-only-tab:\t", b"x-vt: a\x0bb", b"x-esc: \x1b[0m"]
HOP_HEADERS = [
    b"connection: close", b"connection: keep-alive", b"Connection: Close", b"connection: x-a", b"connection: x-a, close", b"connection: cookie", b"connection: host",
    b"connection: te", b"connection: upgrade", b"connection: keep-alive, upgrade", b"connection: x-forwarded-for", b"connection: x-forwarded-proto", b"connection: x-forwarded-host",
    b"connection: :path", b"connection: content-length", b"connection: transfer-encoding", b"connection: a,b,c,d,e,f,g,h,i,j,k", b"connection: a,b,c,d,e,f,g,h,i",
    b"connection:", b"connection: ,", b"connection: x-request-id", b"connection: x-envoy-external-address", b"connection: HTTP2-Settings, Upgrade", b"connection: closed", b"connection: \"close\"",
    b"connection: cookie, te", b"connection: accept ,  x-a", b"connection: CLOSE,KEEP-ALIVE", b"connection: expect", b"connection: date", b"connection: connection", b"connection: keep-alive ,close",
    b"keep-alive: timeout=5", b"proxy-connection: close", b"proxy-connection: keep-alive", b"proxy-authenticate: x", b"proxy-authorization: Basic x",
    b"te: trailers", b"te: gzip", b"te: trailers, deflate;q=0.5", b"TE: Trailers", b"te:", b"te: trailers;q=1", b"te: gzip, trailers", b"te: " + b"t" * 300, b"te: chunked",
    b"trailer: x-t", b"trailers: x", b"upgrade: websocket", b"upgrade: h2c", b"upgrade: foo", b"upgrade: TLS/1.0, websocket", b"upgrade: WebSocket", b"http2-settings: AAMAAABk",
    b"upgrade: h2c, websocket", b"upgrade:", b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==", b"sec-websocket-version: 13"]
ENVOY_HEADERS = [
    b"x-forwarded-for: 1.2.3.4", b"x-forwarded-for: 1.2.3.4, 10.0.0.1", b"x-forwarded-for: garbage", b"x-forwarded-for:", b"x-forwarded-proto: https", b"x-forwarded-proto: HTTPS",
    b"x-forwarded-proto: ftp", b"x-forwarded-proto:", b"x-forwarded-host: other", b"x-forwarded-port: 8443", b"x-forwarded-client-cert: By=x;Hash=y", b"forwarded: for=1.2.3.4",
    b"x-request-id: mine", b"x-request-id:", b"x-request-id: 12345678-1234-4234-8234-123456789012", b"x-request-id: a\r\nx-request-id: b",
    b"x-envoy-external-address: 9.9.9.9", b"x-envoy-internal: true", b"x-envoy-original-path: /evil", b"x-envoy-original-host: evil", b"x-envoy-original-url: x",
    b"x-envoy-decorator-operation: op", b"x-envoy-downstream-service-cluster: c", b"x-envoy-downstream-service-node: n", b"x-envoy-attempt-count: 9", b"x-envoy-max-retries: 0",
    b"x-envoy-retry-on: gateway-error", b"x-envoy-retry-grpc-on: cancelled", b"x-envoy-upstream-rq-timeout-ms: 100000", b"x-envoy-upstream-rq-per-try-timeout-ms: 90000",
    b"x-envoy-expected-rq-timeout-ms: 1", b"x-envoy-force-trace: 1", b"x-envoy-hedge-on-per-try-timeout: true", b"x-envoy-ip-tags: t", b"x-envoy-is-timeout-retry: 1",
    b"x-envoy-upstream-alt-stat-name: s", b"x-envoy-upstream-service-time: 3", b"x-envoy-upstream-stream-duration-ms: 99999", b"x-envoy-retriable-status-codes: 503",
    b"x-envoy-retriable-header-names: x", b"x-envoy-upstream-rq-timeout-alt-response: 1", b"x-envoy-degraded: 1", b"x-envoy-overloaded: 1", b"x-envoy-ratelimited: 1",
    b"x-envoy-immediate-health-check-fail: 1", b"x-envoy-peer-metadata: abc", b"x-envoy-peer-metadata-id: abc", b"x-client-trace-id: 1", b"x-ot-span-context: 1", b"grpc-timeout: 1S",
    b"server: evil", b"date: yesterday", b"content-type: application/grpc", b"accept: application/grpc", b"x-envoy-unknown: 1", b"early-data: 1", b"x-real-ip: 1.1.1.1",
    b"referer: http://u:p@x/", b"referer: /relative", b"referer: http://x/#f", b"referer: http://x.example/y\r\nreferer: http://z/", b"referer: garbage", b"referer: mailto:a@b",
    b"referer: android-app://x", b"referer:", b"referer: http:///x", b"referer: HTTP://X/", b"referer: x:y", b"referer: //x/y", b"referer: a b"]
EXPECT_HEADERS = [b"expect: 100-continue", b"Expect: 100-Continue", b"expect: 200-ok", b"expect:"]


def headers_of(rng):
    out = [rng.choice(PLAIN_HEADERS) for _ in range(rng.choice((0, 0, 1, 2, 3)))]
    for weight, rows in ((0.30, HOP_HEADERS), (0.12, ODD_HEADERS), (0.30, ENVOY_HEADERS), (0.06, EXPECT_HEADERS)):
        while rng.random() < weight:
            out.append(rng.choice(rows))
    if rng.random() < 0.008:
        out += [b"x-n%d: %d" % (i, i) for i in range(rng.choice((90, 97, 98, 99, 100, 101)))]
    if rng.random() < 0.006:
        out += [b"x-big%d: " % i + b"b" * 7000 for i in range(rng.choice((8, 9)))]
    if rng.random() < 0.05:
        out += out[:1]
    rng.shuffle(out)
    return out


def chunked_body(rng, is_whole):
    """Chunks that are right, but for what the odd ones say."""
    out = b""
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        data = bytes(rng.randrange(256) for _ in range(rng.choice((1, 2, 9, 16, 17, 200))))
        size = pick(rng, (USUAL, b"%x" % len(data)), (ODD, b"%X" % len(data)), (ODD, b"000%x" % len(data)))
        size += pick(rng, (30, b""), (1, b";a=b"), (1, b"; a"), (1, b" "), (1, b";a=\"x\""), (1, b" ;a"), (1, b";"), (1, b"\t"), (1, b";\x01"), (1, b";a=\"x;y\r\n\""))
        out += size + pick(rng, (60, b"\r\n"), (1, b"\n"), (1, b"\r")) + data + pick(rng, (60, b"\r\n"), (1, b"\n"), (1, b""), (1, b"xx"))
    out += pick(rng, (40, b"0\r\n"), (1, b"0;x=y\r\n"), (1, b"00\r\n"), (1, b"\r\n"), (1, b"g\r\n"), (1, b"-1\r\n"), (1, b"ffffffffffffffff1\r\n"), (1, b"0x1\r\n"), (1, b" 0\r\n"), (1, b"0 \r\n"))
    out += pick(rng, (30, b""), (3, b"x-t: 1\r\n"), (1, b"x-t: 1\r\nx-u: 2\r\n"), (1, b"bad trailer\r\n"), (1, b"content-length: 5\r\n"), (1, b"x-t: a\x00b\r\n"), (1, b"x-t: " + b"t" * 9000 + b"\r\n"))
    return (out + b"\r\n") if is_whole else out


def framing(rng, method):
    """(header lines, body)"""
    has_body = rng.random() < (0.75 if method in (b"POST", b"PUT", b"PATCH") else 0.12)
    data = bytes(rng.choice(b"abcdefghij\r\n 0123") for _ in range(rng.choice((0, 1, 5, 10, 100, 3000))))
    if not has_body:
        return [], b""
    length = b"content-length: %d" % len(data)
    whole = chunked_body(rng, rng.random() < 0.95)
    return pick(
        rng, (20, ([length], data)), (14, ([b"transfer-encoding: chunked"], whole)), (1, ([b"Transfer-Encoding: Chunked"], whole)),
        (1, ([length, length], data)), (1, ([length, b"content-length: %d" % (len(data) + 1)], data)), (1, ([length, b"transfer-encoding: chunked"], whole)),
        (1, ([b"transfer-encoding: chunked", length], whole)), (1, ([b"transfer-encoding: gzip, chunked"], whole)), (1, ([b"transfer-encoding: chunked, gzip"], whole)),
        (1, ([b"transfer-encoding: identity"], data)), (1, ([b"transfer-encoding: chunked", b"transfer-encoding: chunked"], whole)), (1, ([b"transfer-encoding: xchunked"], whole)),
        (1, ([b"transfer-encoding:"], data)), (1, ([b"transfer-encoding: chunked "], whole)), (1, ([b"transfer-encoding: chunked,"], whole)), (1, ([b"transfer-encoding:\tchunked"], whole)),
        (1, ([b"transfer-encoding: gzip"], data)), (1, ([b"content-length: +%d" % len(data)], data)), (1, ([b"content-length: -1"], data)), (1, ([b"content-length: 0x5"], data)),
        (1, ([b"content-length: %d, %d" % (len(data), len(data))], data)), (1, ([b"content-length: "], data)), (1, ([b"content-length: 99999999999999999999"], data)),
        (1, ([b"content-length: 00%d" % len(data)], data)), (1, ([b"content-length: %d " % len(data)], data)), (1, ([b"content-length: %d" % (len(data) + 3)], data)),
        (1, ([b"content-length: %d" % max(0, len(data) - 3)], data)), (1, ([b"content-length: 5;"], data)), (1, ([b"content-length: 1e1"], data)), (1, ([b"content-length: 0"], b"")),
        (1, ([b"transfer-encoding: chunked\r\n foo"], whole)), (1, ([b"transfer-encoding : chunked"], whole)))


def request(rng):
    method = pick(rng, (40, rng.choice(METHODS)), (3, rng.choice(ODD_METHODS)))
    version = pick(rng, (90, b"HTTP/1.1"), (2, b"HTTP/1.0"), (1, b"HTTP/0.9"), (1, b"HTTP/2.0"), (1, b"HTTP/1.2"), (1, b"http/1.1"), (1, b"HTTP/1"), (1, b"HTTP/11.1"), (1, b"HTTX/1.1"), (1, b""))
    gap = pick(rng, (120, b" "), (1, b"  "), (1, b"\t"))
    start = method + gap + target(rng) + pick(rng, (120, b" "), (1, b"  "), (1, b"\t")) + version
    start = pick(rng, (60, start), (1, b"\r\n" + start), (1, b"\n" + start), (1, start + b" "), (1, b" " + start))
    if rng.random() < 0.004:
        return Request(b"GET /\r\n\r\n", None)
    if rng.random() < 0.004:
        return Request(bytes(rng.randrange(256) for _ in range(40)) + b"\r\n\r\n", None)
    hosts = pick(rng, (80, [rng.choice(HOSTS)]), (6, [rng.choice(ODD_HOSTS)]), (2, []), (1, [b"app", b"app"]), (1, [b"app", b"other"]))
    lines = [pick(rng, (20, b"host: "), (2, b"Host: "), (1, b"HOST:")) + h for h in hosts]
    extra, body = framing(rng, method)
    lines += headers_of(rng)
    for line in extra:
        lines.insert(rng.randint(0, len(lines)), line)
    if rng.random() < 0.1:
        rng.shuffle(lines)
    return Request(start, lines, body)


def said(head, *bodies):
    return tuple(("send", piece) for piece in (head,) + bodies)


OK = b"HTTP/1.1 200 OK\r\n"
ANSWERS = [
    said(OK + b"content-length: 5\r\n\r\n", b"hello"), said(OK + b"content-length: 0\r\n\r\n"),
    said(OK + b"transfer-encoding: chunked\r\n\r\n", b"5\r\nhello\r\n", b"0\r\n\r\n"), said(OK + b"content-length: 5\r\nconnection: close\r\n\r\nhello") + (("close",),),
    said(OK + b"content-length: 5\r\nconnection: keep-alive\r\nkeep-alive: timeout=5\r\n\r\nhello"), said(OK + b"\r\n", b"until close") + (("close",),),
    said(b"HTTP/1.1 204 No Content\r\n\r\n"), said(b"HTTP/1.1 304 Not Modified\r\netag: \"x\"\r\n\r\n"), said(b"HTTP/1.1 404 Not Found\r\ncontent-length: 3\r\n\r\nno!"),
    said(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"), said(b"HTTP/1.1 301 Moved\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n"),
    said(OK + b"set-cookie: a=1\r\nset-cookie: b=2\r\nx-a: 1\r\nx-a: 2\r\nX-Secret: s\r\ncontent-length: 0\r\n\r\n"),
    said(OK + b"server: backend\r\ndate: Thu, 01 Jan 1970 00:00:00 GMT\r\nvia: 1.1 y\r\ncontent-length: 0\r\n\r\n"),
    said(OK + b"x-envoy-upstream-service-time: 99\r\nx-envoy-decorator-operation: x\r\nx-envoy-attempt-count: 4\r\nx-request-id: theirs\r\ncontent-length: 0\r\n\r\n")]
ODD_ANSWERS = [
    said(b"HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n"), said(b"HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n"), said(b"HTTP/1.1 204 No Content\r\ntransfer-encoding: chunked\r\n\r\n"),
    said(b"HTTP/1.1 205 Reset Content\r\n\r\n") + (("close",),), said(b"HTTP/1.1 299 Odd\r\ncontent-length: 0\r\n\r\n"), said(b"HTTP/1.1 999 Odder\r\ncontent-length: 0\r\n\r\n"),
    said(b"HTTP/1.1 600 X\r\ncontent-length: 0\r\n\r\n"), said(b"HTTP/1.1 99 X\r\ncontent-length: 0\r\n\r\n"), said(b"HTTP/1.1 1000 X\r\ncontent-length: 0\r\n\r\n"), said(b"HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n"),
    said(b"HTTP/1.1 200 \r\ncontent-length: 0\r\n\r\n"), said(b"HTTP/1.1 200 Odd \xe4 Phrase\r\ncontent-length: 0\r\n\r\n"), said(b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok"),
    said(b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nok"), said(b"HTTP/1.0 200 OK\r\n\r\nold") + (("close",),), said(b"http/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
    said(b"HTTP/2.0 200 OK\r\ncontent-length: 0\r\n\r\n"), said(b"HTTP/1.2 200 OK\r\ncontent-length: 0\r\n\r\n"), said(b"HTTP/1.1  200 OK\r\ncontent-length: 0\r\n\r\n"), said(b"garbage\r\n\r\n"), said(b"\x00\x01\x02"),
    said(b"\r\n" + OK + b"content-length: 0\r\n\r\n"), said(OK.replace(b"\r\n", b"\n") + b"content-length: 2\n\nok"), (("close",),), (("reset",),), (("shut",),), said(b"HTTP/1.1 200 OK\r\ncontent-") + (("close",),),
    said(OK + b"content-length: 10\r\n\r\nhalf") + (("close",),), said(OK + b"content-length: 10\r\n\r\nhalf") + (("reset",),), said(OK + b"transfer-encoding: chunked\r\n\r\n5\r\nhel") + (("close",),),
    said(OK + b"content-length: 2\r\n\r\nok and more"), said(OK + b"content-length: 2\r\n\r\nok" + OK + b"content-length: 2\r\n\r\nno"), said(OK + b"transfer-encoding: chunked\r\n\r\nzz\r\n"),
    said(OK + b"transfer-encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nx-t: 1\r\n\r\n"), said(OK + b"transfer-encoding: chunked\r\n\r\n5\nhello\n0\n\n"), said(OK + b"transfer-encoding: chunked\r\n\r\n0\r\nbad\r\n\r\n"),
    said(OK + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"), said(OK + b"content-length: 2\r\ncontent-length: 2\r\n\r\nok"), said(OK + b"content-length: 2\r\ncontent-length: 3\r\n\r\nok"),
    said(OK + b"content-length: 2, 2\r\n\r\nok"), said(OK + b"content-length: +2\r\n\r\nok"), said(OK + b"content-length: x\r\n\r\nok"), said(OK + b"content-length:\r\n\r\n"), said(OK + b"transfer-encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
    said(OK + b"transfer-encoding: gzip\r\n\r\nok") + (("close",),), said(OK + b"transfer-encoding: identity\r\ncontent-length: 2\r\n\r\nok"), said(OK + b"transfer-encoding: Chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
    said(OK + b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
    said(b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"content-length: 2\r\n\r\nok"), said(b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n", OK + b"content-length: 2\r\n\r\nok"), said(b"HTTP/1.1 102 Processing\r\nx-a: 1\r\n\r\n" + OK + b"content-length: 0\r\n\r\n"),
    said(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\nx-b: 1\r\n\r\n" + OK + b"content-length: 0\r\n\r\n"), said(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n", b"frames"),
    said(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"), said(b"HTTP/1.1 100 Continue\r\n\r\n") + (("close",),), said(b"HTTP/1.1 199 Odd\r\n\r\n" + OK + b"content-length: 0\r\n\r\n"), said(b"HTTP/1.1 100 Continue\r\ncontent-length: 3\r\n\r\n" + OK + b"content-length: 0\r\n\r\n"),
    said(OK + b"x-a : before\r\ncontent-length: 0\r\n\r\n"), said(OK + b"x-fold: a\r\n b\r\ncontent-length: 0\r\n\r\n"), said(OK + b"x-nul: a\x00b\r\ncontent-length: 0\r\n\r\n"), said(OK + b"x-ctl: a\x01b\r\ncontent-length: 0\r\n\r\n"),
    said(OK + b"x-high: \xe4\r\ncontent-length: 0\r\n\r\n"), said(OK + b"no colon\r\ncontent-length: 0\r\n\r\n"), said(OK + b": empty\r\ncontent-length: 0\r\n\r\n"), said(OK + b"x y: 1\r\ncontent-length: 0\r\n\r\n"), said(OK + b"x-empty:\r\ncontent-length: 0\r\n\r\n"),
    said(OK + b"x-cr: a\rb\r\ncontent-length: 0\r\n\r\n"), said(OK + b"x-lf: a\nb: c\r\ncontent-length: 0\r\n\r\n"), said(OK + b"connection: x-a, close\r\nx-a: 1\r\ncontent-length: 0\r\n\r\n"), said(OK + b"connection: upgrade\r\nupgrade: websocket\r\ncontent-length: 0\r\n\r\n"),
    said(OK + b"proxy-connection: close\r\ncontent-length: 0\r\n\r\n"), said(OK + b"te: trailers\r\ntrailer: x\r\nupgrade: h2\r\ncontent-length: 0\r\n\r\n"), said(OK + b"".join(b"x-n%d: 1\r\n" % i for i in range(101)) + b"content-length: 0\r\n\r\n"),
    said(OK + b"x-big: " + b"b" * 70000 + b"\r\ncontent-length: 0\r\n\r\n"), said(OK + b"content-length: 100000\r\n\r\n", b"y" * 100000), said(OK + b"\r\n", b"y" * 70000) + (("close",),), said(OK + b"\r\n") + (("reset",),), said(OK + b"content-length: 0\r\n\r\n") + (("close",),),
    said(OK + b"content-length: 5\r\n\r\nhello") + (("shut",),), said(OK + b"content-length: 5\r\ncontent-type: application/grpc\r\ngrpc-status: 0\r\n\r\nhello"), said(OK + b"grpc-status: 5\r\ncontent-type: application/grpc\r\ncontent-length: 0\r\n\r\n"),
    said(OK + b"x-envoy-immediate-health-check-fail: 1\r\ncontent-length: 0\r\n\r\n"), said(OK + b"x-envoy-overloaded: true\r\nx-envoy-ratelimited: 1\r\nx-envoy-degraded: 1\r\nx-envoy-canary: true\r\nx-envoy-internal: 1\r\ncontent-length: 0\r\n\r\n"),
    said(OK + b"server:\r\ndate:\r\ncontent-length: 0\r\n\r\n"), said(OK + b"date: a\r\ndate: b\r\nserver: a\r\nserver: b\r\ncontent-length: 0\r\n\r\n"), said(OK + b"set-cookie: a\r\nSet-Cookie: b\r\nSET-COOKIE: c\r\nwww-authenticate: x\r\nwww-authenticate: y\r\nvary: a\r\nvary: b\r\ncontent-length: 0\r\n\r\n")]


def split_sends(rng, steps):
    """Some of what is sent in pieces, at any byte."""
    out = []
    for step in steps:
        if step[0] == "send" and len(step[1]) > 2 and rng.random() < 0.25:
            cut = rng.randint(1, len(step[1]) - 1)
            out += [("send", step[1][:cut]), ("send", step[1][cut:])]
        else:
            out.append(step)
    return tuple(out)


def answer(rng):
    steps = pick(rng, (USUAL, rng.choice(ANSWERS)), (5, rng.choice(ODD_ANSWERS)))
    when = pick(rng, (8, "end"), (1, "head"))
    # What comes unasked, in a piece of its own, meets the next request or does not: that is luck.
    return when, split_sends(rng, steps) if steps in ANSWERS else steps


def case_at(seed, index):
    rng = random.Random(f"{seed}/{index}")
    requests = [request(rng) for _ in range(pick(rng, (20, 1), (4, 2), (1, 3)))]
    made = Case(rng.choice(("gateway", "sidecar")), requests, [answer(rng) for _ in range(rng.choice((1, 1, 2)))], [], pick(rng, (8, "probe"), (1, "fin")), rng.random() < 0.3)
    size = len(made.data())
    made.cuts = [rng.randint(1, max(1, size - 1)) for _ in range(pick(rng, (6, 0), (3, 1), (1, 4)))]
    if rng.random() < 0.03:
        made.limit, made.end = rng.randint(1, size), "fin"
    return made
