# SPDX-License-Identifier: Apache-2.0
"""The smallest case that still shows a difference of the same kind."""
from exchange import PLAIN, joined

TRIALS_MAX = 160


def smaller(case):
    """Cases that are simpler in one way, the boldest first."""
    def changed(change):
        other = case.copy()
        change(other)
        return other

    for i in range(len(case.requests)):
        if len(case.requests) > 1:
            yield changed(lambda c, i=i: c.requests.pop(i))
    if case.answers and case.answers != [("end", PLAIN)]:
        yield changed(lambda c: setattr(c, "answers", [("end", PLAIN)]))
        for i in range(len(case.answers)):
            if len(case.answers) > 1:
                yield changed(lambda c, i=i: c.answers.pop(i))
    if case.cuts:
        yield changed(lambda c: setattr(c, "cuts", []))
    if case.is_waiting:
        yield changed(lambda c: setattr(c, "is_waiting", False))
    if case.limit is not None:
        yield changed(lambda c: setattr(c, "limit", None))
    if case.end == "fin":
        yield changed(lambda c: setattr(c, "end", "probe"))
    for i, request in enumerate(case.requests):
        if request.headers is None:
            continue
        if request.start != b"GET / HTTP/1.1":
            yield changed(lambda c, i=i: setattr(c.requests[i], "start", b"GET / HTTP/1.1"))
            words = request.start.split(b" ")
            if len(words) == 3:
                for k, usual in ((0, b"GET"), (1, b"/"), (2, b"HTTP/1.1")):
                    if words[k] != usual:
                        yield changed(lambda c, i=i, k=k, u=usual: setattr(c.requests[i], "start", b" ".join(words[:k] + [u] + words[k + 1:])))
        if len(request.headers) > 8:
            half = len(request.headers) // 2
            yield changed(lambda c, i=i: c.requests[i].headers.__delitem__(slice(half, None)))
            yield changed(lambda c, i=i: c.requests[i].headers.__delitem__(slice(0, half)))
        for k in range(len(request.headers)):
            yield changed(lambda c, i=i, k=k: c.requests[i].headers.pop(k))
        if request.body:
            yield changed(lambda c, i=i: setattr(c.requests[i], "body", b""))
            yield changed(lambda c, i=i: setattr(c.requests[i], "body", c.requests[i].body[:len(c.requests[i].body) // 2]))
    for i, (when, steps) in enumerate(case.answers):
        if when == "head":
            yield changed(lambda c, i=i: c.answers.__setitem__(i, ("end", c.answers[i][1])))
        whole = joined(steps)
        if whole != steps:
            yield changed(lambda c, i=i, j=whole: c.answers.__setitem__(i, (c.answers[i][0], j)))
        head = steps[0][1] if steps[0][0] == "send" else b""
        for line in head.split(b"\r\n")[1:]:
            if line and head.count(line + b"\r\n") == 1:
                less = (("send", head.replace(line + b"\r\n", b"")),) + steps[1:]
                yield changed(lambda c, i=i, j=less: c.answers.__setitem__(i, (c.answers[i][0], j)))


def minimise(case, still_differs):
    """`still_differs(case)` plays it; the smallest case found."""
    trials = 0
    is_shrinking = True
    while is_shrinking and trials < TRIALS_MAX:
        is_shrinking = False
        for other in smaller(case):
            trials += 1
            if trials > TRIALS_MAX:
                break
            if still_differs(other):
                case, is_shrinking = other, True
                break
    return case
