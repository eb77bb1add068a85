#include "driver_kit.h"

/* A whole message of the WebSocket, as wire.c hands it up. */
static bool hear(struct span text)
{
    struct ws_message m = {WS_TEXT, text};

    return client_message(sh, c, &m);
}

/* The payload of the frame that was written, whose key is zero. */
static struct span frame(void)
{
    struct span said = kit_said();
    size_t head = 6;

    ck_assert_uint_gt(said.n, 6);
    ck_assert_int_eq((unsigned char)said.p[0], 0x81);
    if ((unsigned char)said.p[1] == (128 | 126))
        head += 2;
    return span_make(said.p + head, said.n - head);
}

START_TEST(subscribes_and_is_ready_when_that_is_answered)
{
    kit_begin(&driver_echo);
    ck_assert(driver_echo.hello(sh, c));
    ck_assert(span_is(frame(), "S 1"));
    ck_assert_int_eq(c->state, CLIENT_HELLO);
    ck_assert(hear(SPAN("S")));
    ck_assert_int_eq(c->state, CLIENT_READY);
    kit_end();
}
END_TEST

START_TEST(without_a_topic_nothing_is_said)
{
    kit_begin(&driver_echo);
    c->nseats = 0;
    ck_assert(driver_echo.hello(sh, c));
    ck_assert_uint_eq(kit_said().n, 0);
    ck_assert_int_eq(c->state, CLIENT_READY);
    c->nseats = 1;
    kit_end();
}
END_TEST

START_TEST(messages_come_and_go)
{
    struct buf b;

    kit_begin(&driver_echo);
    buf_init(&b, 4096);
    c->state = CLIENT_READY;
    atomic_store(&sh->ready, 1);
    kit_send();
    ck_assert(memcmp(frame().p, "P 1 {", 5) == 0);
    ck_assert_uint_eq(kit_count(COUNT_ACKED), 1);
    for (uint32_t i = 1; i <= 3; i++) {
        buf_clear(&b);
        buf_append_text(&b, "P 1 ");
        buf_append_span(&b, kit_body(i));
        ck_assert(hear(buf_span(&b)));
    }
    ck_assert_uint_eq(kit_count(COUNT_COPIES), 3);
    /* The filling changed on the way. */
    buf_clear(&b);
    buf_append_text(&b, "P 1 ");
    buf_append_span(&b, kit_body(4));
    b.data[b.len - 5] ^= 1;
    ck_assert(hear(buf_span(&b)));
    ck_assert_uint_eq(kit_count(COUNT_CORRUPT), 1);
    /* Topic 2 is none of ours. */
    buf_clear(&b);
    buf_append_text(&b, "P 2 ");
    buf_append_span(&b, kit_body(5));
    ck_assert(hear(buf_span(&b)));
    ck_assert_uint_eq(kit_count(COUNT_LEAKED), 1);
    buf_release(&b);
    kit_end();
}
END_TEST

START_TEST(what_is_no_relay_ends_the_connection)
{
    static const char *const bad[] = {"hello", "P", "P 1", "Q 1 x"};

    kit_begin(&driver_echo);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_msg(!hear(span_of(bad[i])), "%s", bad[i]);
        ck_assert_int_eq(c->fd, -1);
        close(kit_peer);
        kit_connect();
    }
    kit_end();
}
END_TEST

START_TEST(schemes_choose_drivers)
{
    ck_assert_ptr_eq(driver_of_url("ws-echo://127.0.0.1:1"), &driver_echo);
    ck_assert_ptr_eq(driver_of_url("mqtt://127.0.0.1:1"), &driver_mqtt);
    ck_assert_ptr_eq(driver_of_url("mqtt0://127.0.0.1:1"), &driver_mqtt0);
    ck_assert_ptr_eq(driver_of_url("nats://127.0.0.1:1"), &driver_nats);
    ck_assert_ptr_null(driver_of_url("ws://127.0.0.1:1"));
    ck_assert_ptr_null(driver_of_url("nats:/127.0.0.1:1"));
}
END_TEST

SUITE("driver_echo", subscribes_and_is_ready_when_that_is_answered,
      without_a_topic_nothing_is_said, messages_come_and_go,
      what_is_no_relay_ends_the_connection, schemes_choose_drivers)
