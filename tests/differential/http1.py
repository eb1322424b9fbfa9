# SPDX-License-Identifier: Apache-2.0
"""What was heard on a connection, as messages that can be compared.

Chunks are joined, as where a body is cut depends on how the kernel gives it; what is different each time by its nature is masked.
"""
import re

MASKED = {"date": "<date>", "x-envoy-upstream-service-time": "<ms>"}
MASKED_TEXT = re.compile(rb"(date: |x-envoy-upstream-service-time: )[^\r]*")  # of heads that are read as a body
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
HEAD_END = b"\r\n\r\n"


class Message:
    """One request or response, or what is left when no more can be told."""

    def __init__(self, start, headers, body=b"", framing="none", is_whole=True):
        self.start, self.headers, self.body, self.framing, self.is_whole = start, headers, body, framing, is_whole

    def lines(self):
        out = [self.start] + [f"{name}: {mask(name, value)}" for name, value in self.headers]
        if self.body or self.framing != "none":
            out.append(f"<{self.framing}> {len(self.body)} bytes {shown(self.body)}")
        if not self.is_whole:
            out.append("<not whole>")
        return out


def mask(name, value):
    if name.lower() in MASKED:
        return MASKED[name.lower()]
    if name.lower() == "x-request-id" and UUID.fullmatch(value):
        return "<uuid>"
    return value


def shown(data, most=80):
    text = repr(data)[1:]
    return text if len(text) <= most else f"{text[:most]}... (hash {hash_of(data):08x})"


def hash_of(data):
    value = 2166136261
    for byte in data:
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return value


def split_head(head):
    lines = head.decode("latin-1").split("\r\n")
    pairs = []
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        pairs.append((name, value[1:] if value.startswith(" ") else value) if colon else (line, "<no colon>"))
    return lines[0], pairs


def values_of(headers, name):
    return [value for key, value in headers if key.lower() == name]


def read_chunks(data, at):
    """(body, where it ends, is it whole, trailers); anything that Envoy's encoder would not write ends it."""
    body = b""
    while True:
        end = data.find(b"\r\n", at)
        if end < 0 or not re.fullmatch(rb"[0-9a-f]{1,16}", data[at:end]):
            return body, len(data), False, []
        size = int(data[at:end], 16)
        at = end + 2
        if size == 0:
            break
        body += data[at:at + size]
        if data[at + size:at + size + 2] != b"\r\n":
            return body, len(data), False, []
        at += size + 2
    if data[at:at + 2] == b"\r\n":
        return body, at + 2, True, []
    end = data.find(HEAD_END, at)
    if end < 0:
        return body, len(data), False, []
    return body, end + 4, True, split_head(b"\r\n" + data[at:end])[1]


def has_body(start, method, is_request):
    if is_request:
        return True
    status = start.split(" ")[1:2]
    return not (method == "HEAD" or status and (status[0].startswith("1") or status[0] in ("204", "304")))


def next_message(data, at, method, is_request):
    """(message, where it ends)"""
    end = data.find(HEAD_END, at)
    if end < 0:
        return Message(shown(data[at:], 400), [], is_whole=False), len(data)
    start, headers = split_head(data[at:end])
    at = end + 4
    if not has_body(start, method, is_request):
        return Message(start, headers), at
    if any(value.lower() == "chunked" for value in values_of(headers, "transfer-encoding")):
        body, at, is_whole, trailers = read_chunks(data, at)
        return Message(start, headers + [("trailer " + name, value) for name, value in trailers], body, "chunked", is_whole), at
    lengths = values_of(headers, "content-length")
    if lengths:
        size = int(lengths[0]) if lengths[0].isdigit() else 0
        body = data[at:at + size]
        return Message(start, headers, body, "length", len(body) == size), at + len(body)
    if is_request:
        return Message(start, headers), at
    return Message(start, headers, MASKED_TEXT.sub(b"\\1<masked>", data[at:]), "until close"), len(data)


def messages(data, methods, is_request):
    """Everything in `data`; `methods` are those of the requests that the responses answer, in order."""
    out, at, answered = [], 0, 0
    while at < len(data):
        method = methods[answered] if answered < len(methods) else "GET"
        message, at = next_message(data, at, method, is_request)
        if is_request or not re.match(r"HTTP/1\.[01] 1(?!01)\d\d ", message.start):
            answered += 1
        out.append(message)
    return out


def complete_count(data, methods):
    """How many final responses have arrived as a whole."""
    found = [m for m in messages(data, methods, False) if not re.match(r"HTTP/1\.[01] 1(?!01)\d\d ", m.start)]
    return sum(1 for m in found if m.is_whole and m.framing != "until close")
