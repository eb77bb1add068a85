#include "talk.h"

/* ---- the codec ---- */

static struct buf bytes;
static struct peer_lists lists;

static void encode(enum peer_type type, const struct peer_message *m)
{
    buf_release(&bytes);
    buf_init(&bytes, PEER_MESSAGE_MAX);
    ck_assert_int_eq(peer_encode(&bytes, type, m), 0);
    peer_stamp(&bytes, 5, 9);
}

/* Whatever is cut off, or put behind, is refused. */
static void refuse_pieces(void)
{
    struct peer_message m;

    for (size_t n = 0; n < bytes.len; n++)
        ck_assert_int_lt(peer_decode(&m, &lists, span_make(bytes.data, n)), 0);
    buf_append_byte(&bytes, 0);
    ck_assert_int_lt(peer_decode(&m, &lists, buf_span(&bytes)), 0);
    bytes.len--;
}

START_TEST(entry_survives_the_way)
{
    struct roster_change changes[2] = {{7, ROLE_MEMBER}, {8, ROLE_NONE}};
    struct peer_message in = {0}, m;
    struct entry *e = &in.delivery.entry;

    *e = (struct entry){.conv = 5,
                        .seq = 77,
                        .id = 123456,
                        .ts = 1764,
                        .kind = ENTRY_MEMBER,
                        .from = 2,
                        .dev = 3,
                        .of = 4,
                        .thread = 6,
                        .reply = 7,
                        .expires = 8,
                        .trace = true,
                        .cid = SPAN("ci-1"),
                        .body = SPAN("{\"op\":\"add\"}")};
    in.delivery.kind = CONV_GROUP;
    in.delivery.big = true;
    in.delivery.epoch = 11;
    in.delivery.changes = changes;
    in.delivery.change_count = 2;
    encode(PEER_ENTRY, &in);
    ck_assert_int_eq(peer_decode(&m, &lists, buf_span(&bytes)), 0);
    ck_assert_int_eq(m.header.type, PEER_ENTRY);
    ck_assert_uint_eq(m.header.incarnation, 5);
    ck_assert_uint_eq(m.header.number, 9);
    ck_assert_uint_eq(m.delivery.entry.conv, 5);
    ck_assert_int_eq(m.delivery.entry.seq, 77);
    ck_assert_uint_eq(m.delivery.entry.id, 123456);
    ck_assert_int_eq(m.delivery.entry.reply, 7);
    ck_assert(m.delivery.entry.trace && !m.delivery.entry.deleted);
    ck_assert(span_is(m.delivery.entry.cid, "ci-1"));
    ck_assert(span_is(m.delivery.entry.body, "{\"op\":\"add\"}"));
    ck_assert_ptr_null(m.delivery.entry.mention.p);
    ck_assert(m.delivery.big);
    ck_assert_int_eq(m.delivery.change_count, 2);
    ck_assert_uint_eq(m.delivery.changes[1].user, 8);
    ck_assert_int_eq(m.delivery.changes[1].role, ROLE_NONE);
    refuse_pieces();
}
END_TEST

START_TEST(request_and_answer_survive)
{
    struct peer_message in = {.rid = 3,
                              .origin = 2,
                              .conn = 99,
                              .user = 7,
                              .dev = 1,
                              .conv = 5,
                              .over_budget = true,
                              .hops = 1,
                              .round = 77,
                              .lease = 8,
                              .raw = SPAN("{\"t\":\"send\"}")},
                        m;

    encode(PEER_REQUEST, &in);
    ck_assert_int_eq(peer_decode(&m, &lists, buf_span(&bytes)), 0);
    ck_assert(m.over_budget && !m.internal);
    ck_assert_uint_eq(m.conn, 99);
    ck_assert(span_is(m.raw, "{\"t\":\"send\"}"));
    refuse_pieces();
    in.bytes = SPAN("{\"t\":\"sent\"}");
    encode(PEER_ANSWER, &in);
    ck_assert_int_eq(peer_decode(&m, &lists, buf_span(&bytes)), 0);
    ck_assert_uint_eq(m.rid, 3);
    ck_assert(span_is(m.bytes, "{\"t\":\"sent\"}"));
    refuse_pieces();
}
END_TEST

START_TEST(lists_survive)
{
    uint64_t users[3] = {4, 5, 6};
    struct mark_row marks[2] = {
        {.conv = 5, .user = 7, .delivered_now = 9, .read_now = 8},
        {.conv = 6, .user = 8, .delivered_now = 1}};
    struct peer_message in = {.class = WIRE_HINT,
                              .conv = 5,
                              .users = users,
                              .count = 3,
                              .bytes = SPAN("x")},
                        m;

    encode(PEER_PUSH, &in);
    ck_assert_int_eq(peer_decode(&m, &lists, buf_span(&bytes)), 0);
    ck_assert_int_eq(m.count, 3);
    ck_assert_uint_eq(m.users[2], 6);
    refuse_pieces();
    in = (struct peer_message){.marks = marks, .count = 2};
    encode(PEER_MARKS, &in);
    ck_assert_int_eq(peer_decode(&m, &lists, buf_span(&bytes)), 0);
    ck_assert_int_eq(m.count, 2);
    ck_assert_int_eq(m.marks[0].read_now, 8);
    ck_assert_uint_eq(m.marks[1].user, 8);
    refuse_pieces();
}
END_TEST

START_TEST(lies_are_refused)
{
    struct peer_message in = {.conv = 5, .head = 3}, m;

    encode(PEER_HEAD, &in);
    bytes.data[0] = PEER_VERSION + 1;
    ck_assert_int_lt(peer_decode(&m, &lists, buf_span(&bytes)), 0);
    bytes.data[0] = PEER_VERSION;
    bytes.data[1] = PEER_TYPES;
    ck_assert_int_lt(peer_decode(&m, &lists, buf_span(&bytes)), 0);
    bytes.data[1] = PEER_HEAD;
    bytes.data[PEER_HEADER + 7] = (char)0x80; /* no such conversation number */
    ck_assert_int_lt(peer_decode(&m, &lists, buf_span(&bytes)), 0);
    buf_release(&bytes);
}
END_TEST

/* ---- the numbered link ---- */

static struct seat *alice, *bob;
static unsigned long long conv;

/* alice on node 1, bob on node 2, a conversation between them. */
static void two_nodes(void)
{
    talk_start(2, NULL);
    alice = talk_user(0, 101);
    bob = talk_user(1, 102);
    say(alice, "{'t':'conv.open','n':2,'user':'u102'}");
    conv = conv_in(expect(alice, "'re':2"));
    expect(bob, "'op':'create'");
}

static void two_nodes_end(void)
{
    seat_free(&alice);
    seat_free(&bob);
    rig_free(&rig);
}

static void send_text(struct seat *c, int n)
{
    say(c, "{'t':'send','n':%d,'conv':'c%llu','body':{'text':'m%d'}}", n, conv,
        n);
}

START_TEST(entries_cross_the_bus)
{
    two_nodes();
    for (int i = 10; i < 20; i++)
        send_text(alice, i);
    for (int i = 10; i < 20; i++) {
        char text[32];

        snprintf(text, sizeof(text), "'text':'m%d'", i);
        expect(bob, text);
    }
    two_nodes_end();
}
END_TEST

/* Whatever was lost, the request, its answer or the entry: asked again with
 * the same cid it is one entry, and the other node finds the hole by the next
 * message or by the number that an idle link repeats. */
static void send_until_sent(struct seat *s, int n)
{
    char what[32];

    snprintf(what, sizeof(what), "'re':%d|'t':'sent'", n);
    for (int i = 0; i < 5 && heard(s, what) == NULL; i++) {
        say(s,
            "{'t':'send','n':%d,'conv':'c%llu','cid':'k%d',"
            "'body':{'text':'m%d'}}",
            n, conv, n, n);
        rig_run(rig, 9500);
        talk_lose = 0;
    }
}

START_TEST(hole_is_repaired)
{
    two_nodes();
    for (int i = 10; i < 30; i++) {
        char text[32];

        rig_run(rig, 3000);
        talk_lose = 1 + i % 3;
        snprintf(text, sizeof(text), "\"text\":\"m%d\"", i);
        send_until_sent(i % 2 ? alice : bob, i);
        ck_assert_int_eq(seat_count(alice, text), 1);
        ck_assert_int_eq(seat_count(bob, text), 1);
    }
    two_nodes_end();
}
END_TEST

/* Nothing follows the lost entry: the idle link tells, within 5 s. */
START_TEST(last_message_is_missed_in_time)
{
    struct seat *far;

    two_nodes();
    far = node_of(conv) == rig->nodes[0] ? bob : alice;
    rig_run(rig, 3000);
    for (int i = 10; i < 20; i++) {
        char text[32];

        say(far, "{'t':'hb','n':%d}", i);
        rig_run(rig, 20);
        talk_lose = 1;
        snprintf(text, sizeof(text), "'text':'m%d'", i);
        send_text(far == bob ? alice : bob, i); /* at its home */
        for (int ms = 0; ms < 200 && talk_lose > 0; ms++)
            rig_run(rig, 1);
        ck_assert_int_eq(talk_lose, 0);
        ck_assert_ptr_null(heard(far, text));
        rig_run(rig, 5000);
        ck_assert_ptr_nonnull(heard(far, text));
    }
    two_nodes_end();
}
END_TEST

START_TEST(doubled_messages_come_once)
{
    two_nodes();
    talk_twice = 1000;
    for (int i = 10; i < 30; i++)
        send_text(i % 2 ? alice : bob, i);
    expect(bob, "\"text\":\"m29\"");
    rig_run(rig, 2000);
    for (int i = 10; i < 30; i++) {
        char text[32];

        snprintf(text, sizeof(text), "\"text\":\"m%d\"", i);
        ck_assert_int_eq(seat_count(alice, text), 1);
        ck_assert_int_eq(seat_count(bob, text), 1);
    }
    ck_assert_int_eq(seat_count(alice, "\"t\":\"sent\""), 10);
    two_nodes_end();
}
END_TEST

START_TEST(unreadable_messages_do_nothing)
{
    two_nodes();
    for (int i = 0; i < 300; i++) {
        char junk[40];

        rng_bytes(&rig->rng, junk, sizeof(junk));
        junk[0] = PEER_VERSION;
        junk[1] = (char)(i % PEER_TYPES);
        memset(junk + 2, 0, 7); /* an old incarnation at most */
        peer_message(rig->nodes[0], 2, span_make(junk, (size_t)(i % 40)));
    }
    send_text(bob, 10);
    expect(alice, "'text':'m10'");
    two_nodes_end();
}
END_TEST

TALK_MAIN("peer", entry_survives_the_way, request_and_answer_survive,
          lists_survive, lies_are_refused, entries_cross_the_bus,
          hole_is_repaired, last_message_is_missed_in_time,
          doubled_messages_come_once, unreadable_messages_do_nothing)
