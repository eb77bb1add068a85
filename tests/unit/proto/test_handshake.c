/* The opening handshake in every form that a client may give it, and in those
 * that it may not: each is refused with its own status and reason. */
#include "proto/handshake.h"

#include <stdio.h>

#include "base/buf.h"
#include "proto/limits.h"
#include "unit/base/suite.h"

#define LINE "GET /v1/chat HTTP/1.1\r\n"
#define HOST "Host: 127.0.0.1:7000\r\n"
#define ASKS "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define KEY "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define PROTOCOL "Sec-WebSocket-Protocol: confab.v1\r\n"
#define REST HOST ASKS KEY VERSION PROTOCOL
#define END "\r\n"

/* A block of the input's own size, so that a read outside is seen. */
static enum handshake_fate fate_of(const char *text, size_t n,
                                   struct handshake *out)
{
    char *in = malloc(n > 0 ? n : 1);
    enum handshake_fate fate;

    ck_assert_ptr_nonnull(in);
    memcpy(in, text, n);
    fate = handshake_read(span_make(in, n), out);
    free(in);
    return fate;
}

static void good(const char *text)
{
    struct handshake h;

    ck_assert_msg(fate_of(text, strlen(text), &h) == HANDSHAKE_GOOD,
                  "%d %s: %s", h.status, h.why, text);
    ck_assert_uint_eq(h.length, strlen(text));
    ck_assert(memcmp(h.key, "MDEyMzQ1Njc4OWFiY2RlZg==", HANDSHAKE_KEY) == 0);
}

/* Refused with this status, for a reason that has these words. */
static void bad_bytes(const char *text, size_t n, int status, const char *why)
{
    struct handshake h;

    ck_assert_msg(fate_of(text, n, &h) == HANDSHAKE_BAD, "not bad: %s", text);
    ck_assert_msg(h.status == status && strstr(h.why, why) != NULL,
                  "%d %s, not %d %s: %s", h.status, h.why, status, why, text);
}

static void bad(const char *text, int status, const char *why)
{
    bad_bytes(text, strlen(text), status, why);
}

static void other(const char *text)
{
    struct handshake h;

    ck_assert_msg(fate_of(text, strlen(text), &h) == HANDSHAKE_OTHER,
                  "not another's: %s", text);
}

START_TEST(a_client_may_write_it_so)
{
    good(LINE REST END);
    good("GET /v1/chat? HTTP/1.1\r\n" REST END);
    good("GET /v1/chat?token=x&y=/v1/chat HTTP/1.1\r\n" REST END);
    good("GET http://example.org:80/v1/chat?a HTTP/1.1\r\n" REST END);
    good("GET HTTPS://example.org/v1/chat HTTP/1.1\r\n" REST END);
    good(LINE "host:[::1]:7000\r\n" ASKS KEY VERSION PROTOCOL END);
    good(LINE HOST
         "UPGRADE: WebSocket\r\nconnection:keep-alive, upgrade\r\n" KEY VERSION
             PROTOCOL END);
    good(LINE "Connection: keep-alive\r\nUpgrade: x\r\n" REST END);
    good(LINE REST "Connection: close\r\n" END);
    good(LINE REST "Sec-WebSocket-Extensions: permessage-deflate\r\n"
                   "Sec-WebSocket-Extensions: other\r\n" END);
    good(LINE REST "X-Empty:\r\nX-Tab:\ta\tb \r\nX-Latin: \xe9\r\n" END);
    good(LINE REST "Content-Length: 0\r\n" END);
}
END_TEST

START_TEST(what_a_decision_needs_is_told)
{
    struct handshake h;
    static const char text[] =
        LINE REST "Origin: https://a.example\r\nX-Forwarded-For: 10.0.0.1\r\n"
                  "X-Forwarded-For: 10.0.0.2, 10.0.0.3\r\n" END;

    ck_assert_int_eq(handshake_read(SPAN(text), &h), HANDSHAKE_GOOD);
    ck_assert(span_is(h.origin, "https://a.example"));
    ck_assert(span_is(h.forwarded, "10.0.0.2, 10.0.0.3"));
    ck_assert_int_eq(handshake_read(SPAN(LINE REST "Origin:\r\n" END), &h),
                     HANDSHAKE_GOOD);
    ck_assert_ptr_nonnull(h.origin.p);
    ck_assert_int_eq(handshake_read(SPAN(LINE REST END), &h), HANDSHAKE_GOOD);
    ck_assert_ptr_null(h.origin.p);
    ck_assert_ptr_null(h.forwarded.p);
}
END_TEST

START_TEST(the_request_is_a_get_of_http_1_1)
{
    bad("POST /v1/chat HTTP/1.1\r\n", 405, "GET");
    bad("HEAD /v1/chat HTTP/1.1\r\n", 405, "GET");
    bad("GET /v1/chat HTTP/1.0\r\n", 400, "HTTP/1.1");
    bad("GET /v1/chat HTTP/2.0\r\n", 400, "HTTP/1.1");
    bad("GET /v1/chat\r\n", 400, "HTTP/1.1");
    bad("GET /v1/chat  HTTP/1.1\r\n", 400, "HTTP/1.1");
    bad("GET /v1/chat HTTP/1.1 \r\n", 400, "HTTP/1.1");
    bad("GET /v1/chat HTTP/1.1 x\r\n", 400, "HTTP/1.1");
    bad("GET /v1/chat#x HTTP/1.1\r\n", 400, "request");
    bad("GET /v1/chat?\x7f HTTP/1.1\r\n", 400, "request");
    bad("GET /v1/chat;x HTTP/1.1\r\n", 400, "request");
    bad_bytes("GET /v1/chat\0 HTTP/1.1\r\n", 24, 400, "request");
}
END_TEST

START_TEST(another_place_is_not_judged)
{
    other("GET / HTTP/1.1\r\n");
    other("POST /v1/login HTTP/1.1\r\n");
    other("GET /v1/chats HTTP/1.1\r\n");
    other("GET /v1/chat/ HTTP/1.1\r\n");
    other("GET /v1/chat%20 HTTP/1.1\r\n");
    other("GET /V1/CHAT HTTP/1.1\r\n");
    other("GET //v1/chat HTTP/1.1\r\n");
    other("GET http:///x/v1/chat HTTP/1.1\r\n");
    other("GET http://v1/chat HTTP/1.1\r\n");
    other("CONNECT /v1 HTTP/1.1\r\n");
    other("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    other("\x16\x03\x01");
    other("\r\n" LINE REST END);
    other("GET\r\n");
    other("G\n");
}
END_TEST

START_TEST(each_header_has_its_value)
{
    bad(LINE ASKS KEY VERSION PROTOCOL END, 400, "Host is missing");
    bad(LINE "Host: a, b\r\n", 400, "no host");
    bad(LINE "Host: a/b\r\n", 400, "no host");
    bad(LINE HOST KEY VERSION PROTOCOL END, 426, "websocket");
    bad(LINE HOST "Upgrade: websocket2\r\nConnection: Upgrade\r\n" KEY VERSION
            PROTOCOL END,
        426, "websocket");
    bad(LINE HOST "Upgrade: websocket\r\nConnection: keep-alive\r\n" KEY VERSION
            PROTOCOL END,
        400, "Connection");
    bad(LINE HOST ASKS KEY PROTOCOL END, 426, "must be 13");
    bad(LINE "Sec-WebSocket-Version: 8\r\n", 426, "must be 13");
    bad(LINE "Sec-WebSocket-Version: 13, 8\r\n", 426, "must be 13");
    bad(LINE HOST ASKS KEY VERSION END, 400, "must be confab.v1");
    bad(LINE "Sec-WebSocket-Protocol: Confab.v1\r\n", 400, "confab.v1");
    bad(LINE "Sec-WebSocket-Protocol: confab.v1, b\r\n", 400, "confab.v1");
    bad(LINE HOST ASKS VERSION PROTOCOL END, 400, "Sec-WebSocket-Key");
    bad(LINE "Sec-WebSocket-Key: c2hvcnQ=\r\n", 400, "16 bytes");
    bad(LINE "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg=x\r\n", 400, "16");
    bad(LINE "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2Rl====\r\n", 400, "16");
    bad(LINE "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2Rl Zg=\r\n", 400, "16");
    bad(LINE "Content-Length: 1\r\n", 400, "no body");
    bad(LINE "Transfer-Encoding: chunked\r\n", 400, "no body");
    bad(LINE "Transfer-Encoding: 0\r\n", 400, "no body");
    bad(LINE "Expect: 100-continue\r\n", 417, "Expect");
}
END_TEST

START_TEST(what_is_no_list_comes_once)
{
    bad(LINE HOST HOST, 400, "Host comes twice");
    bad(LINE KEY KEY, 400, "Key comes twice");
    bad(LINE VERSION VERSION, 400, "Version comes twice");
    bad(LINE PROTOCOL PROTOCOL, 400, "Protocol comes twice");
    bad(LINE "Origin: a\r\norigin: a\r\n", 400, "Origin comes twice");
    bad(LINE "Content-Length: 0\r\nContent-Length: 0\r\n", 400, "twice");
}
END_TEST

START_TEST(lines_are_lines_of_http)
{
    static const char nul[] = LINE "X: a\0b\r\n";

    bad("GET /v1/chat HTTP/1.1\n", 400, "CR LF");
    bad(LINE "Host: x\n", 400, "CR LF");
    bad(LINE REST "\n", 400, "CR LF");
    bad(LINE "X: a\r\n b\r\n", 400, "second line");
    bad(LINE "X: a\r\n\tb\r\n", 400, "second line");
    bad(LINE "X: a\rb\r\n", 400, "control");
    bad(LINE "X: a\x7f\r\n", 400, "control");
    bad_bytes(nul, sizeof(nul) - 1, 400, "control");
    bad(LINE "Origin : https://a.example\r\n", 400, "NAME: VALUE");
    bad(LINE "X\r\n", 400, "NAME: VALUE");
    bad(LINE ": x\r\n", 400, "NAME: VALUE");
    bad(LINE "X(: x\r\n", 400, "NAME: VALUE");
}
END_TEST

/* Fills a header line so that the whole request has n bytes. */
static void of_length(struct buf *b, size_t n)
{
    static const char text[] = LINE REST "X: ";

    buf_clear(b);
    buf_append(b, text, sizeof(text) - 1);
    while (b->len < n - 4)
        buf_append_byte(b, 'x');
    buf_append_text(b, "\r\n\r\n");
}

START_TEST(it_is_bounded)
{
    struct handshake h;
    struct buf b;

    buf_init(&b, 1 << 16);
    of_length(&b, LIMIT_HTTP_HEADERS);
    ck_assert_int_eq(fate_of(b.data, b.len, &h), HANDSHAKE_GOOD);
    of_length(&b, LIMIT_HTTP_HEADERS + 1);
    bad_bytes(b.data, b.len, 431, "2 KiB");
    of_length(&b, 60000);
    bad_bytes(b.data, b.len, 431, "2 KiB");
    ck_assert_int_eq(fate_of(b.data, LIMIT_HTTP_HEADERS, &h), HANDSHAKE_MORE);
    bad_bytes(b.data, LIMIT_HTTP_HEADERS + 1, 431, "2 KiB");
    buf_clear(&b);
    buf_append_text(&b, "GET /v1/chat?");
    while (b.len <= LIMIT_HTTP_HEADERS)
        buf_append_byte(&b, 'x');
    ck_assert_int_eq(fate_of(b.data, b.len - 1, &h), HANDSHAKE_MORE);
    bad_bytes(b.data, b.len, 414, "2 KiB");
    memset(b.data, 'A', b.len);
    ck_assert_int_eq(fate_of(b.data, b.len, &h), HANDSHAKE_OTHER);
    buf_release(&b);
}
END_TEST

START_TEST(a_beginning_waits_for_the_rest)
{
    static const char text[] = LINE REST "Origin: x\r\n" END;
    struct handshake h;

    for (size_t n = 0; n < sizeof(text) - 1; n++)
        ck_assert_msg(fate_of(text, n, &h) == HANDSHAKE_MORE, "at %zu", n);
    ck_assert_int_eq(fate_of(text, sizeof(text) - 1, &h), HANDSHAKE_GOOD);
    /* What comes behind is not the handshake's. */
    ck_assert_int_eq(handshake_read(SPAN(LINE REST END "\x81\n"), &h),
                     HANDSHAKE_GOOD);
    ck_assert_uint_eq(h.length, strlen(LINE REST END));
}
END_TEST

SUITE("handshake", a_client_may_write_it_so, what_a_decision_needs_is_told,
      the_request_is_a_get_of_http_1_1, another_place_is_not_judged,
      each_header_has_its_value, what_is_no_list_comes_once,
      lines_are_lines_of_http, it_is_bounded, a_beginning_waits_for_the_rest)
