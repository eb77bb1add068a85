/* Frames as a client may send them, and as it may not: what is read does not
 * depend on where the bytes were cut. */
#include "proto/websocket.h"

#include <string.h>

#include "base/buf.h"
#include "proto/limits.h"
#include "unit/base/suite.h"

/* ---- frames of a client ---- */

static const unsigned char key[4] = {0x37, 0xfa, 0x21, 0x3d};

static struct buf wire; /* the test's input */

static void fresh(void)
{
    buf_release(&wire);
    buf_init(&wire, 1 << 20);
}

static void head_of(int first, uint64_t n, int wide)
{
    buf_append_byte(&wire, (char)first);
    buf_append_byte(&wire, (char)(0x80 | (wide == 0   ? (int)n
                                          : wide == 2 ? 126
                                                      : 127)));
    for (int i = wide - 1; i >= 0; i--)
        buf_append_byte(&wire, (char)(n >> i * 8));
    buf_append(&wire, key, sizeof(key));
}

static void put(int first, const char *bytes, size_t n)
{
    head_of(first, n, n < 126 ? 0 : n < 65536 ? 2 : 8);
    for (size_t i = 0; i < n; i++)
        buf_append_byte(&wire, (char)(bytes[i] ^ (char)key[i % 4]));
}

static void put_text(int first, const char *text)
{
    put(first, text, strlen(text));
}

/* ---- reading ---- */

/* All that came, told in one form: op, bytes, '|' behind what is complete. */
struct story {
    struct buf told;
    int verdict; /* 0, or minus a close code */
    bool inside; /* a text message is told in part */
};

static void tell(struct story *st, const struct websocket_piece *p)
{
    if (p->op != WEBSOCKET_TEXT || !st->inside)
        buf_append_byte(&st->told, (char)('0' + p->op));
    buf_append(&st->told, p->data, p->n);
    if (p->last)
        buf_append_byte(&st->told, '|');
    if (p->op == WEBSOCKET_TEXT)
        st->inside = !p->last;
}

/* As a server does: the input is one block of its own size, so that a read
 * outside is seen, and what is left is given again. */
static void feed(struct story *st, struct websocket *w, struct buf *left,
                 const char *bytes, size_t n)
{
    size_t all = left->len + n, rest = all;
    char *in = malloc(all + 1), *at = in + 1;
    struct websocket_piece piece;

    ck_assert_ptr_nonnull(in);
    if (left->len > 0)
        memcpy(at, left->data, left->len);
    memcpy(at + left->len, bytes, n);
    buf_clear(left);
    while ((st->verdict = websocket_pull(w, &at, &rest, &piece)) > 0) {
        ck_assert(piece.data >= in && piece.data + piece.n <= in + 1 + all);
        tell(st, &piece);
    }
    ck_assert(at + rest == in + 1 + all);
    if (st->verdict == 0) {
        ck_assert_uint_lt(rest, WEBSOCKET_WHOLE);
        buf_append(left, at, rest);
    }
    free(in);
}

/* The wire in pieces of n bytes, the first one of `first`. */
static struct story read_cut(size_t first, size_t n)
{
    struct story st = {0};
    struct websocket w = {0};
    struct buf left;

    buf_init(&left, 1 << 20);
    buf_init(&st.told, 1 << 20);
    for (size_t at = 0; at < wire.len && st.verdict == 0;) {
        size_t step = at == 0 ? first : n;

        if (step > wire.len - at)
            step = wire.len - at;
        feed(&st, &w, &left, wire.data + at, step);
        at += step;
    }
    buf_release(&left);
    return st;
}

static void same(const struct story *a, struct story b)
{
    ck_assert_int_eq(a->verdict, b.verdict);
    ck_assert(span_eq(buf_span(&a->told), buf_span(&b.told)));
    buf_release(&b.told);
}

/* A text that is wrong is told up to where it was given: only the verdict is
 * the same however it is cut. */
static void every_cut(const struct story *whole)
{
    for (size_t at = 1; at <= wire.len; at++) {
        struct story cut = read_cut(at, wire.len);

        if (whole->verdict < 0)
            ck_assert_int_eq(whole->verdict, cut.verdict);
        else
            same(whole, cut);
        if (whole->verdict < 0)
            buf_release(&cut.told);
    }
}

static void expect(int verdict, const char *told)
{
    struct story whole = read_cut(wire.len, wire.len);

    ck_assert_int_eq(whole.verdict, verdict);
    if (told != NULL)
        ck_assert_str_eq(buf_cstr(&whole.told), told);
    every_cut(&whole);
    if (verdict == 0)
        same(&whole, read_cut(1, 1));
    buf_release(&whole.told);
    fresh();
}

static void expect_one(int verdict, int first, const char *text)
{
    fresh();
    put_text(first, text);
    expect(verdict, NULL);
}

/* ---- what may come ---- */

START_TEST(text_is_unmasked)
{
    /* RFC 6455, 5.7: a single-frame masked text message, "Hello". */
    static const char hello[] = "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";

    fresh();
    buf_append(&wire, hello, 11);
    expect(0, "1Hello|");
    put_text(0x81, "");
    put_text(0x81, "{\"t\":\"hb\"}");
    expect(0, "1|1{\"t\":\"hb\"}|");
}
END_TEST

START_TEST(fragments_are_one_message)
{
    fresh();
    put_text(0x01, "Hel");
    put_text(0x00, "");
    put_text(0x00, "lo wor");
    put_text(0x80, "ld");
    put_text(0x81, "next");
    expect(0, "1Hello world|1next|");
    put_text(0x01, "");
    put_text(0x80, "");
    put_text(0x01, "open");
    expect(0, "1|1open");
}
END_TEST

START_TEST(control_frames_come_between)
{
    fresh();
    put_text(0x89, "");
    put_text(0x01, "a");
    put_text(0x89, "x");
    put_text(0x00, "b");
    put_text(0x8a, "y");
    put_text(0x80, "c");
    put(0x88, "\x03\xe8", 2);
    expect(0, "9|1a9x|b:y|c|8\x03\xe8|");
}
END_TEST

START_TEST(ten_pings_are_ten)
{
    fresh();
    for (int i = 0; i < 10; i++)
        put(0x89, &"0123456789"[i], 1);
    expect(0, "90|91|92|93|94|95|96|97|98|99|");
}
END_TEST

/* ---- lengths ---- */

static void length(size_t n, int wide, int verdict)
{
    char *text = malloc(n + 1);
    struct story whole;

    fresh();
    memset(text, 'a', n);
    head_of(0x81, n, wide);
    for (size_t i = 0; i < n; i++)
        buf_append_byte(&wire, (char)('a' ^ (char)key[i % 4]));
    whole = read_cut(wire.len, wire.len);
    ck_assert_int_eq(whole.verdict, verdict);
    if (verdict == 0) {
        ck_assert_uint_eq(whole.told.len, n + 2);
        ck_assert_mem_eq(whole.told.data + 1, text, n);
    }
    for (size_t cut = 1; cut < 20 && verdict == 0; cut++)
        same(&whole, read_cut(cut, 4093));
    if (n <= 65536 && verdict == 0)
        same(&whole, read_cut(3, 61));
    buf_release(&whole.told);
    free(text);
}

START_TEST(lengths)
{
    length(0, 0, 0);
    length(125, 0, 0);
    length(126, 2, 0);
    length(127, 2, 0);
    length(65535, 2, 0);
    length(65536, 8, 0);
    length(LIMIT_FRAME, 8, 0);
    length(LIMIT_FRAME + 1, 8, -1009);
}
END_TEST

START_TEST(lengths_that_are_not_the_shortest)
{
    length(0, 2, -1002);
    length(125, 2, -1002);
    length(126, 8, -1002);
    length(65535, 8, -1002);
}
END_TEST

START_TEST(lengths_that_never_come)
{
    static const uint64_t much[] = {UINT64_C(1) << 32, (UINT64_C(1) << 32) + 5,
                                    UINT64_C(1) << 40, UINT64_C(1) << 63,
                                    UINT64_MAX};

    for (size_t i = 0; i < sizeof(much) / sizeof(much[0]); i++) {
        fresh();
        head_of(0x81, much[i], 8);
        expect(-1009, "");
        head_of(0x89, much[i], 8);
        expect(-1002, "");
    }
}
END_TEST

START_TEST(control_frames_are_short)
{
    char text[127];

    memset(text, 'p', sizeof(text));
    fresh();
    put(0x89, text, 125);
    expect(0, NULL);
    put(0x89, text, 126);
    expect(-1002, "");
    put(0x8a, text, 126);
    expect(-1002, "");
    put(0x88, text, 126);
    expect(-1002, "");
}
END_TEST

START_TEST(as_many_fragments_as_allowed)
{
    fresh();
    for (int i = 0; i < LIMIT_FRAGMENTS; i++)
        put_text((i == 0) | (i == LIMIT_FRAGMENTS - 1 ? 0x80 : 0), ".");
    put_text(0x81, "new");
    expect(0, NULL);
    for (int i = 0; i <= LIMIT_FRAGMENTS; i++)
        put_text((i == 0) | (i == LIMIT_FRAGMENTS ? 0x80 : 0), ".");
    expect(-1009, NULL);
    for (int i = 0; i <= LIMIT_FRAGMENTS; i++)
        put_text(i == 0, ""); /* empty ones count too */
    expect(-1009, "");
}
END_TEST

/* ---- what may not come ---- */

START_TEST(reserved_bits)
{
    for (int bits = 0x10; bits <= 0x70; bits += 0x10) {
        expect_one(-1002, 0x81 | bits, "x");
        expect_one(-1002, 0x89 | bits, "x");
        expect_one(-1002, 0x80 | bits, "x");
    }
}
END_TEST

START_TEST(opcodes)
{
    for (int op = 3; op < 16; op++) {
        if (op >= WEBSOCKET_CLOSE && op <= WEBSOCKET_PONG)
            continue;
        expect_one(-1002, 0x80 | op, "x");
        expect_one(-1002, op, "x");
    }
    expect_one(-1003, 0x82, "x");
    expect_one(-1003, 0x02, "x");
}
END_TEST

START_TEST(no_mask)
{
    fresh();
    buf_append(&wire, "\x81\x05Hello", 7);
    expect(-1002, "");
    buf_append(&wire, "\x89\x00", 2);
    expect(-1002, "");
}
END_TEST

START_TEST(fragments_out_of_order)
{
    expect_one(-1002, 0x80, "continues nothing");
    expect_one(-1002, 0x00, "continues nothing");
    fresh();
    put_text(0x01, "a");
    put_text(0x81, "b");
    expect(-1002, "1a");
    put_text(0x01, "a");
    put_text(0x01, "b");
    expect(-1002, "1a");
    put_text(0x01, "a");
    put_text(0x82, "b");
    expect(-1002, "1a");
    put_text(0x81, "a");
    put_text(0x80, "b");
    expect(-1002, "1a|");
    expect_one(-1002, 0x09, "a ping in fragments");
    expect_one(-1002, 0x0a, "a pong in fragments");
    expect_one(-1002, 0x08, "");
}
END_TEST

/* ---- UTF-8 ---- */

static const char *const good[] = {
    "\x01\x7f",         "\xc2\x80",
    "\xdf\xbf",         "\xe0\xa0\x80",
    "\xe0\xbf\xbf",     "\xe1\x80\x80",
    "\xec\xbf\xbf",     "\xed\x80\x80",
    "\xed\x9f\xbf",     "\xee\x80\x80",
    "\xef\xbf\xbf",     "\xf0\x90\x80\x80",
    "\xf0\xbf\xbf\xbf", "\xf1\x80\x80\x80",
    "\xf3\xbf\xbf\xbf", "\xf4\x80\x80\x80",
    "\xf4\x8f\xbf\xbf", "12345678\xc3\xa9 7 bytes\xe2\x82\xac",
};

static const char *const bad[] = {
    "\x80",
    "\xbf",
    "\xc0\x80",
    "\xc1\xbf",
    "\xc2\x7f",
    "\xc2\xc0",
    "\xdf\x20",
    "\xe0\x9f\xbf",
    "\xe0\xc0\x80",
    "\xe1\x7f\x80",
    "\xe1\x80\x7f",
    "\xe1\x80\xc0",
    "\xed\xa0\x80",
    "\xed\xbf\xbf",
    "\xef\xbf\xc0",
    "\xf0\x8f\xbf\xbf",
    "\xf0\xc0\x80\x80",
    "\xf1\x7f\x80\x80",
    "\xf1\x80\x7f\x80",
    "\xf1\x80\x80\xc0",
    "\xf4\x90\x80\x80",
    "\xf5\x80\x80\x80",
    "\xf8\x88\x80\x80\x80",
    "\xfe",
    "\xff",
    "12345678\xff 12345678",
};

/* Cut short: wrong only at the end of the message. */
static const char *const cut_short[] = {
    "\xc2", "\xe1", "\xe1\x80", "\xf1", "\xf1\x80\x80", "1234567\xf4\x8f\xbf"};

/* In one frame, and in two cut at each place. */
static void utf8(const char *text, int verdict)
{
    size_t n = strlen(text);

    expect_one(verdict, 0x81, text);
    for (size_t at = 0; at <= n; at++) {
        put(0x01, text, at);
        put_text(0x89, "between");
        put(0x80, text + at, n - at);
        expect(verdict, NULL);
    }
}

START_TEST(utf8_as_in_unicode_table_3_7)
{
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        utf8(good[i], 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        utf8(bad[i], -1007);
    for (size_t i = 0; i < sizeof(cut_short) / sizeof(cut_short[0]); i++)
        utf8(cut_short[i], -1007);
}
END_TEST

/* Every two bytes, by a plain reading of the table. */
START_TEST(utf8_of_two_bytes)
{
    for (int a = 0x80; a < 256; a++) {
        for (int b = 0; b < 256; b++) {
            char text[2] = {(char)a, (char)b};
            bool right = a >= 0xc2 && a <= 0xdf && b >= 0x80 && b <= 0xbf;
            struct story st;

            fresh();
            put(0x81, text, 2);
            st = read_cut(wire.len, wire.len);
            ck_assert_int_eq(st.verdict, right ? 0 : -1007);
            buf_release(&st.told);
        }
    }
}
END_TEST

START_TEST(a_sequence_does_not_go_on_in_the_next_message)
{
    fresh();
    put_text(0x81, "\xe2\x82");
    put_text(0x81, "\xac");
    expect(-1007, NULL);
}
END_TEST

/* ---- closing, and the other direction ---- */

START_TEST(close_codes)
{
    static const int allowed[] = {1000, 1001, 1002, 1003, 1007, 1011,
                                  1014, 3000, 3999, 4000, 4999};
    static const int wrong[] = {0,    999,  1004, 1005, 1006, 1015,
                                1016, 2000, 2999, 5000, 65535};
    char p[2];

    ck_assert_int_eq(websocket_close_code("", 0), 1005);
    ck_assert_int_eq(websocket_close_code("\x03\xe8", 1), 1002);
    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
        p[0] = (char)(allowed[i] >> 8);
        p[1] = (char)allowed[i];
        ck_assert_int_eq(websocket_close_code(p, 2), allowed[i]);
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        p[0] = (char)(wrong[i] >> 8);
        p[1] = (char)wrong[i];
        ck_assert_int_eq(websocket_close_code(p, 2), 1002);
    }
    ck_assert_int_eq(websocket_close_code("\x03\xe8gr\xc3\xbc", 6), 1000);
    ck_assert_int_eq(websocket_close_code("\x03\xe8\xff", 3), 1007);
    ck_assert_int_eq(websocket_close_code("\x03\xe8\xc3", 3), 1007);
}
END_TEST

static void written(size_t n, const char *head, size_t length)
{
    char room[WEBSOCKET_HEAD + 1] = {0};
    char *payload = room + WEBSOCKET_HEAD;
    char *start = websocket_head(payload, n, WEBSOCKET_TEXT);

    ck_assert_int_eq(payload - start, (int)length);
    ck_assert_mem_eq(start, head, length);
}

START_TEST(heads_that_a_server_writes)
{
    written(0, "\x81\x00", 2);
    written(125, "\x81\x7d", 2);
    written(126, "\x81\x7e\x00\x7e", 4);
    written(65535, "\x81\x7e\xff\xff", 4);
    written(65536, "\x81\x7f\0\0\0\0\0\x01\0\0", 10);
    written(0x12345678, "\x81\x7f\0\0\0\0\x12\x34\x56\x78", 10);
}
END_TEST

SUITE("websocket", text_is_unmasked, fragments_are_one_message,
      control_frames_come_between, ten_pings_are_ten, lengths,
      lengths_that_are_not_the_shortest, lengths_that_never_come,
      control_frames_are_short, as_many_fragments_as_allowed, reserved_bits,
      opcodes, no_mask, fragments_out_of_order, utf8_as_in_unicode_table_3_7,
      utf8_of_two_bytes, a_sequence_does_not_go_on_in_the_next_message,
      close_codes, heads_that_a_server_writes)
