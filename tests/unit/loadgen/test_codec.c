#include "codec.h"

#include <string.h>

#include "base/error.h"
#include "unit/base/suite.h"

static struct ws_parts parts;

static void begin(void)
{
    memset(&parts, 0, sizeof(parts));
    buf_init(&parts.message, WS_MESSAGE);
}

static void frame(struct buf *b, int first, const char *payload, size_t n)
{
    buf_append_byte(b, (char)first);
    if (n < 126) {
        buf_append_byte(b, (char)n);
    } else {
        buf_append_byte(b, 126);
        buf_append_byte(b, (char)(n >> 8));
        buf_append_byte(b, (char)n);
    }
    buf_append(b, payload, n);
}

/* Feed bytes in two pieces, cut at `cut`; all payloads joined by '|'. */
static void feed(struct buf *out, struct span all, size_t cut)
{
    struct buf rest;
    size_t ends[2] = {cut, all.n}, from = 0;

    buf_init(&rest, WS_MESSAGE);
    for (int i = 0; i < 2; i++) {
        struct ws_message m;
        struct span in;
        int rc;

        buf_append(&rest, all.p + from, ends[i] - from);
        from = ends[i];
        in = buf_span(&rest);
        while ((rc = ws_pull(&in, &parts, &m)) > 0) {
            buf_printf(out, "%d:", m.op);
            buf_append_span(out, m.payload);
            buf_append_byte(out, '|');
        }
        ck_assert_int_eq(rc, 0);
        buf_consume(&rest, rest.len - in.n);
    }
    ck_assert_uint_eq(rest.len, 0);
    buf_release(&rest);
}

START_TEST(fragments_cut_at_every_byte)
{
    struct buf b, out;

    buf_init(&b, 4096);
    buf_init(&out, 4096);
    frame(&b, 0x81, "whole", 5);
    frame(&b, 0x01, "one ", 4);
    frame(&b, 0x89, "ping", 4); /* control frames come in between */
    frame(&b, 0x00, "two ", 4);
    frame(&b, 0x80, "three", 5);
    frame(&b, 0x81, "", 0);
    frame(&b, 0x01, "", 0);
    frame(&b, 0x80, "end", 3);
    for (size_t cut = 0; cut <= b.len; cut++) {
        begin();
        buf_clear(&out);
        feed(&out, buf_span(&b), cut);
        ck_assert_str_eq(buf_cstr(&out),
                         "1:whole|9:ping|1:one two three|1:|1:end|");
        buf_release(&parts.message);
    }
    buf_release(&b);
    buf_release(&out);
}
END_TEST

START_TEST(lengths_cut_at_every_byte_of_the_header)
{
    char payload[70000];
    struct buf b, out;

    memset(payload, 'x', sizeof(payload));
    buf_init(&b, WS_MESSAGE);
    buf_init(&out, WS_MESSAGE);
    frame(&b, 0x81, payload, 300);
    buf_append(&b, "\x81\x7f\0\0\0\0\0\1\x11\x70", 10);
    buf_append(&b, payload, 70000);
    for (size_t cut = 0; cut < 330; cut++) {
        begin();
        buf_clear(&out);
        feed(&out, buf_span(&b), cut);
        ck_assert_uint_eq(out.len, 300 + 70000 + 6);
        buf_release(&parts.message);
    }
    buf_release(&b);
    buf_release(&out);
}
END_TEST

static int pull(const char *bytes, size_t n)
{
    struct span in = span_make(bytes, n);
    struct ws_message m;
    int rc;

    begin();
    while ((rc = ws_pull(&in, &parts, &m)) > 0)
        ;
    buf_release(&parts.message);
    return rc;
}

START_TEST(what_a_server_must_not_send)
{
    ck_assert_int_eq(pull("\x81\x81xxxxa", 7), -CF_INVALID); /* masked */
    ck_assert_int_eq(pull("\xc1\x01"
                          "a",
                          3),
                     -CF_INVALID);                      /* compressed */
    ck_assert_int_eq(pull("\x83\x00", 2), -CF_INVALID); /* opcode 3 */
    ck_assert_int_eq(pull("\x8b\x00", 2), -CF_INVALID); /* opcode 11 */
    ck_assert_int_eq(pull("\x09\x00", 2), -CF_INVALID); /* ping in parts */
    ck_assert_int_eq(pull("\x89\x7e\x00\x7e", 4), -CF_INVALID);
    ck_assert_int_eq(pull("\x80\x00", 2), -CF_INVALID); /* of no message */
    ck_assert_int_eq(pull("\x01\x00\x81\x00", 4), -CF_INVALID);
    ck_assert_int_eq(pull("\x81\x7f\xff\0\0\0\0\0\0\0", 10), -CF_TOO_BIG);
}
END_TEST

static void check_head(size_t n, uint32_t key)
{
    static char room[WS_HEAD + 70000];
    char *payload = room + WS_HEAD, *p;
    size_t length = 0;
    int bytes;

    memset(payload, 'q', n);
    p = ws_head(payload, n, WS_TEXT, key);
    ck_assert_int_eq((unsigned char)p[0], 0x81);
    ck_assert(p[1] & 0x80);
    bytes = (p[1] & 127) == 126 ? 2 : (p[1] & 127) == 127 ? 8 : 0;
    if (bytes == 0)
        length = p[1] & 127;
    for (int i = 0; i < bytes; i++)
        length = length << 8 | (unsigned char)p[2 + i];
    ck_assert_uint_eq(length, n);
    ck_assert_ptr_eq(p + 2 + bytes + 4, payload);
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(payload[i] ^ p[2 + bytes + i % 4], 'q');
}

START_TEST(frames_of_a_client)
{
    size_t sizes[] = {0, 1, 3, 125, 126, 127, 65535, 65536, 70000};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        check_head(sizes[i], 0);
        check_head(sizes[i], 0xa1b2c3d4);
    }
}
END_TEST

#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

START_TEST(the_answer_to_the_upgrade)
{
    struct span good = SPAN("HTTP/1.1 101 Switching Protocols\r\n"
                            "Upgrade: WebSocket\r\n"
                            "SEC-WEBSOCKET-ACCEPT:  " ACCEPT " \r\n\r\n");
    int status = 0;

    for (size_t n = 0; n < good.n; n++)
        ck_assert_int_eq(ws_answer(span_make(good.p, n), ACCEPT, &status), 0);
    ck_assert_int_eq(ws_answer(good, ACCEPT, &status), (int)good.n);
    ck_assert_int_eq(ws_answer(good, "another", &status), -CF_INVALID);
    ck_assert_int_eq(
        ws_answer(SPAN("HTTP/1.1 503 Busy\r\nA: b\r\n\r\n"), ACCEPT, &status),
        -CF_DENIED);
    ck_assert_int_eq(status, 503);
    ck_assert_int_eq(ws_answer(SPAN("SSH-2.0-OpenSSH\r\n"), ACCEPT, &status),
                     -CF_INVALID);
}
END_TEST

SUITE("codec", fragments_cut_at_every_byte,
      lengths_cut_at_every_byte_of_the_header, what_a_server_must_not_send,
      frames_of_a_client, the_answer_to_the_upgrade)
