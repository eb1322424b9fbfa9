/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/sockets/envoy_admin.c - asks an Envoy's admin, which is another process:
 * we may wait for it, but not for long.
 */
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/check.h"
#include "testbed/sockets/door.h"
#include "testbed/sockets/envoy_inside.h"

#define ANSWER_BYTES_MAX ((size_t)64 << 20) /* all counters of a large mesh */
#define READ_BYTES ((size_t)64 * 1024)

static int connected(struct str address, int64_t patience_ms)
{
    size_t colon = str_find_last(address, ':');
    uint64_t port = 0;
    struct sockaddr_in to;
    if (colon == STR_NONE || !str_to_u64(str_from(address, colon + 1), UINT16_MAX, &port) ||
        !door_sockaddr(str_slice(address, 0, colon), (uint32_t)port, &to))
        return -1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct timeval patience = {.tv_sec = patience_ms / 1000,
                               .tv_usec = (int)(patience_ms % 1000) * 1000};
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == 0 &&
        connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0)
        return fd;
    close(fd);
    return -1;
}

static bool send_all(int fd, struct str bytes)
{
    while (bytes.len > 0) {
        ssize_t sent = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        if (sent <= 0 && errno != EINTR)
            return false;
        bytes = str_from(bytes, sent > 0 ? (size_t)sent : 0);
    }
    return true;
}

static bool read_all(int fd, struct buf *out)
{
    for (;;) {
        char *room = buf_reserve(out, READ_BYTES);
        if (room == NULL)
            return false;
        ssize_t got = recv(fd, room, READ_BYTES, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got == 0;
        buf_added(out, (size_t)got);
    }
}

static bool hex_line(struct str line, size_t *size)
{
    *size = 0;
    for (size_t i = 0; i < line.len && line.ptr[i] != '\r'; i++) {
        size_t at = str_find(STR("0123456789abcdef"), str_lower_char(line.ptr[i]));
        if (at == STR_NONE || *size > ANSWER_BYTES_MAX)
            return false;
        *size = *size * 16 + at;
    }
    return true;
}

/* The body of an Envoy's answer, whole or in chunks (RFC 9112 section 7.1). */
static bool take_body(struct str answer, struct arena *arena, struct str *body)
{
    size_t end = str_find_str(answer, STR("\r\n\r\n"));
    if (!str_has_prefix(answer, STR("HTTP/1.1 200 ")) || end == STR_NONE)
        return false;
    struct str head = str_slice(answer, 0, end), rest = str_from(answer, end + 4);
    if (str_find_str(head, STR("transfer-encoding: chunked")) == STR_NONE) {
        *body = arena_str(arena, rest);
        return true;
    }
    struct buf whole;
    bool is_whole = false, is_bad = false;
    buf_init(&whole, ANSWER_BYTES_MAX);
    while (!is_whole && !is_bad) {
        struct str line = str_cut(&rest, '\n');
        size_t size = 0;
        is_bad = rest.ptr == NULL || !hex_line(line, &size) || rest.len < size + 2;
        is_whole = !is_bad && size == 0;
        if (is_bad || is_whole)
            break;
        is_bad = buf_append(&whole, str_slice(rest, 0, size)) != RC_OK;
        rest = str_from(rest, size + 2);
    }
    if (is_whole)
        *body = arena_str(arena, buf_str(&whole));
    buf_fini(&whole);
    return is_whole;
}

bool envoy_ask(struct str address, struct str path, int64_t patience_ms, struct arena *arena,
               struct str *body)
{
    int fd = connected(address, patience_ms);
    if (fd < 0)
        return false;
    struct str request = arena_format(
        arena, "GET %.*s HTTP/1.1\r\nhost: pocketmesh\r\nconnection: close\r\n\r\n", STR_FMT(path));
    struct buf answer;
    buf_init(&answer, ANSWER_BYTES_MAX);
    bool is_there =
        send_all(fd, request) && read_all(fd, &answer) && take_body(buf_str(&answer), arena, body);
    buf_fini(&answer);
    close(fd);
    return is_there;
}
