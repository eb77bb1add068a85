#include "driver_kit.h"

static struct span msg(struct buf *b, uint32_t seq)
{
    struct span body = kit_body(seq);

    buf_clear(b);
    buf_printf(b, "MSG c.1 1 %zu\r\n", body.n);
    buf_append_span(b, body);
    buf_append_text(b, "\r\n");
    return buf_span(b);
}

START_TEST(hello_subscribes_and_is_ready_at_pong)
{
    struct span said;

    kit_begin(&driver_nats);
    ck_assert(driver_nats.hello(sh, c));
    said = kit_said();
    ck_assert(said.n > 8 && memcmp(said.p, "CONNECT ", 8) == 0);
    ck_assert_ptr_nonnull(memmem(said.p, said.n, "\"echo\":false", 12));
    ck_assert_ptr_nonnull(memmem(said.p, said.n, "SUB c.1 1\r\nPING\r\n", 17));
    ck_assert(kit_hear(SPAN("INFO {\"a\":1}\r\n+OK\r\n"), 9));
    ck_assert_int_eq(c->state, CLIENT_HELLO);
    ck_assert(kit_hear(SPAN("PONG\r\n"), 3));
    ck_assert_int_eq(c->state, CLIENT_READY);
    kit_end();
}
END_TEST

START_TEST(messages_cut_at_every_byte)
{
    struct buf b;

    kit_begin(&driver_nats);
    buf_init(&b, 4096);
    for (uint32_t i = 1; i <= msg(&b, 1).n; i++)
        ck_assert(kit_hear(msg(&b, i), i));
    ck_assert_uint_eq(kit_count(COUNT_COPIES), b.len);
    ck_assert_uint_eq(kit_count(COUNT_CORRUPT), 0);
    /* The second time is one too many. */
    ck_assert(kit_hear(msg(&b, 1), 5));
    ck_assert_uint_eq(kit_count(COUNT_DUP), 1);
    buf_release(&b);
    kit_end();
}
END_TEST

START_TEST(publishes_and_answers_pings)
{
    struct span said;

    kit_begin(&driver_nats);
    c->state = CLIENT_READY;
    atomic_store(&sh->ready, 1);
    kit_send();
    said = kit_said();
    ck_assert(said.n > 8 && memcmp(said.p, "PUB c.1 ", 8) == 0);
    ck_assert(memcmp(said.p + said.n - 2, "\r\n", 2) == 0);
    /* Nobody says that it came: written is all that there is. */
    ck_assert_uint_eq(kit_count(COUNT_ACKED), 1);
    ck_assert_uint_eq(kit_count(COUNT_EXPECTED), 1);
    ck_assert(kit_hear(SPAN("PING\r\n"), 2));
    ck_assert(span_is(kit_said(), "PONG\r\n"));
    kit_end();
}
END_TEST

START_TEST(what_is_no_nats_ends_the_connection)
{
    static const char *const bad[] = {
        "HTTP/1.1 200 OK\r\n",   "MSG c.1 1 x\r\n",
        "MSG c.1\r\n",           "\r\n",
        "MSG d.1 1 2\r\nxx\r\n", "PING\n",
        "-ERR 'no'\r\n",         "MSG c.1 1 99999999999999999999999\r\n"};

    kit_begin(&driver_nats);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_msg(!kit_hear(span_of(bad[i]), 0), "%s", bad[i]);
        ck_assert_int_eq(c->fd, -1);
        ck_assert_uint_eq(kit_count(COUNT_ERRORS), i + 1);
        close(kit_peer);
        kit_connect();
    }
    kit_end();
}
END_TEST

SUITE("driver_nats", hello_subscribes_and_is_ready_at_pong,
      messages_cut_at_every_byte, publishes_and_answers_pings,
      what_is_no_nats_ends_the_connection)
