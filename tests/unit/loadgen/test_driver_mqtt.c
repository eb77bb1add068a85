#include "driver_kit.h"

#define CONNACK "\x20\x03\x00\x00\x00"
#define SUBACK "\x90\x04\x00\x01\x00\x01"

static struct span bytes(const char *literal, size_t n)
{
    return span_make(literal, n);
}

/* PUBLISH of QoS qos on c/1, its id 0x0102. */
static struct span message(struct buf *b, int qos, uint32_t seq)
{
    struct span body = kit_body(seq);

    buf_clear(b);
    buf_append_byte(b, (char)(0x30 | qos << 1));
    buf_append_byte(b, (char)(5 + (qos > 0 ? 2 : 0) + 1 + body.n));
    buf_append(b, "\0\3c/1", 5);
    if (qos > 0)
        buf_append(b, "\1\2", 2);
    buf_append_byte(b, '\0');
    buf_append_span(b, body);
    return buf_span(b);
}

START_TEST(connects_then_subscribes_then_is_ready)
{
    struct span said;

    kit_begin(&driver_mqtt);
    ck_assert(driver_mqtt.hello(sh, c));
    said = kit_said();
    ck_assert_uint_eq(said.n, (size_t)said.p[1] + 2);
    ck_assert_mem_eq(said.p, "\x10", 1);
    ck_assert_mem_eq(said.p + 2, "\0\4MQTT\5\xc2\0\0\0", 11);
    ck_assert(kit_hear(bytes(CONNACK, 5), 2));
    said = kit_said();
    /* Without one's own messages, QoS 1. */
    ck_assert_uint_eq(said.n, 11);
    ck_assert_mem_eq(said.p, "\x82\x09\0\1\0\0\3c/1\5", 11);
    ck_assert_int_eq(c->state, CLIENT_HELLO);
    ck_assert(kit_hear(bytes(SUBACK, 6), 1));
    ck_assert_int_eq(c->state, CLIENT_READY);
    kit_end();
}
END_TEST

START_TEST(a_refused_connect_is_counted)
{
    kit_begin(&driver_mqtt);
    ck_assert(!kit_hear(bytes("\x20\x03\x00\x87\x00", 5), 0));
    ck_assert_int_eq(c->fd, -1);
    ck_assert_uint_eq(kit_count(COUNT_CONNECT_FAILED), 1);
    kit_end();
}
END_TEST

START_TEST(messages_cut_at_every_byte_are_acknowledged)
{
    struct span said;
    struct buf b;

    kit_begin(&driver_mqtt);
    buf_init(&b, 4096);
    for (uint32_t i = 1; i <= message(&b, 1, 1).n; i++) {
        ck_assert(kit_hear(message(&b, 1, i), i));
        said = kit_said();
        ck_assert_uint_eq(said.n, 4);
        ck_assert_mem_eq(said.p, "\x40\x02\1\2", 4);
    }
    ck_assert_uint_eq(kit_count(COUNT_COPIES), b.len);
    ck_assert(kit_hear(message(&b, 0, (uint32_t)b.len + 1), 7));
    ck_assert_uint_eq(kit_said().n, 0);
    ck_assert_uint_eq(kit_count(COUNT_CORRUPT), 0);
    buf_release(&b);
    kit_end();
}
END_TEST

/* Ids are 12 bits of the number: far beyond them each answer finds its own. */
START_TEST(answers_find_their_message)
{
    kit_begin(&driver_mqtt);
    c->state = CLIENT_READY;
    atomic_store(&sh->ready, 1);
    for (uint32_t i = 1; i <= 5000; i++) {
        char ack[] = "\x40\x02??";
        struct span said;

        kit_send();
        said = kit_said();
        ck_assert_uint_gt(said.n, 12);
        ck_assert_int_eq(said.p[0], 0x32);
        memcpy(ack + 2, said.p + 7 + (said.p[1] & 0x80 ? 1 : 0), 2);
        ck_assert_uint_eq(kit_count(COUNT_ACKED), i - 1);
        ck_assert(kit_hear(bytes(ack, 4), 3));
        ck_assert_uint_eq(kit_count(COUNT_ACKED), i);
    }
    ck_assert_uint_eq(kit_count(COUNT_ERRORS), 0);
    /* One that answers nothing is an error. */
    ck_assert(kit_hear(bytes("\x40\x02\x10\x01", 4), 0));
    ck_assert_uint_eq(kit_count(COUNT_ERRORS), 1);
    kit_end();
}
END_TEST

START_TEST(with_qos_0_what_is_written_is_sent)
{
    kit_begin(&driver_mqtt0);
    c->state = CLIENT_READY;
    atomic_store(&sh->ready, 1);
    kit_send();
    ck_assert_int_eq(kit_said().p[0], 0x30);
    ck_assert_uint_eq(kit_count(COUNT_ACKED), 1);
    kit_end();
}
END_TEST

START_TEST(what_is_broken_ends_the_connection)
{
    static const struct span bad[] = {
        {"\x30\xff\xff\xff\xff\x01", 6}, /* a length of five bytes */
        {"\x30\x02\x00\x00", 4},         /* no topic */
        {"\x30\x04\x00\x09"
         "c/",
         6}, /* a topic beyond the packet */
        {"\x36\x08\x00\x03"
         "c/1\1\2\0",
         10}, /* QoS 3 */
        {"\x30\x06\x00\x03"
         "c/1\x05",
         8},                 /* properties beyond it */
        {"\x40\x01\x10", 3}, /* half an id */
        {"\x20\x01\x00", 3}, /* half a CONNACK */
        {"\xe0\x01\x8e", 3}, /* DISCONNECT */
        {"\xf0\x00", 2},     /* AUTH */
        {"HTTP/1.1 400 Bad", 16}};
    size_t n = 0;

    kit_begin(&driver_mqtt);
    for (; n < sizeof(bad) / sizeof(bad[0]) - 1; n++) {
        ck_assert_msg(!kit_hear(bad[n], 1), "%zu", n);
        ck_assert_int_eq(c->fd, -1);
        close(kit_peer);
        kit_connect();
    }
    ck_assert_uint_eq(kit_count(COUNT_ERRORS), n);
    /* As a packet of 84 bytes it is not whole yet. */
    ck_assert(kit_hear(bad[n], 1));
    kit_end();
}
END_TEST

SUITE("driver_mqtt", connects_then_subscribes_then_is_ready,
      a_refused_connect_is_counted, messages_cut_at_every_byte_are_acknowledged,
      answers_find_their_message, with_qos_0_what_is_written_is_sent,
      what_is_broken_ends_the_connection)
