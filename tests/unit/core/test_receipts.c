#include "talk.h"

static struct seat *alice, *bob, *carol;
static unsigned long long conv;

static void begin(void)
{
    talk_start(2, NULL);
    alice = talk_user(0, 101);
    bob = talk_user(1, 102);
    carol = talk_user(0, 103);
    rig_run(rig, 1500); /* the ring is known to all */
}

static void end(void)
{
    seat_free(&alice);
    seat_free(&bob);
    seat_free(&carol);
    rig_free(&rig);
}

static void send_text(struct seat *s, int n)
{
    say(s, "{'t':'send','n':%d,'conv':'c%llu','body':{'text':'m%d'}}", n, conv,
        n);
    expect(s, "'t':'sent'");
}

static void mark(struct seat *s, const char *what, int64_t seq)
{
    say(s, "{'t':'%s','at':[['c%llu',%lld]]}", what, conv, (long long)seq);
}

START_TEST(direct_tells_the_other_one)
{
    struct seat *second;

    begin();
    rig_device(rig, 102);
    second = seat_login(rig, 0, 102, 2, "");
    say(alice, "{'t':'conv.open','n':2,'user':'u102'}");
    conv = conv_in(expect(alice, "'re':2|'t':'ok'"));
    send_text(alice, 10);
    expect(bob, "'text':'m10'");
    mark(bob, "ack", 2);
    expect(alice, "'t':'receipt'|'user':'u102'|'delivered':2|'read':0");
    mark(bob, "read", 2);
    expect(alice, "'t':'receipt'|'user':'u102'|'read':2");
    /* the user's other device learns what was read */
    expect(second, "'t':'receipt'|'user':'u102'|'read':2");
    ck_assert_int_eq(seat_count(carol, "\"t\":\"receipt\""), 0);
    seat_free(&second);
    end();
}
END_TEST

START_TEST(marks_only_rise)
{
    begin();
    say(alice, "{'t':'conv.open','n':2,'user':'u102'}");
    conv = conv_in(expect(alice, "'re':2|'t':'ok'"));
    send_text(alice, 10);
    send_text(alice, 11);
    expect(bob, "'text':'m11'");
    mark(bob, "read", 3);
    expect(alice, "'t':'receipt'|'delivered':3|'read':3");
    mark(bob, "ack", 2);
    mark(bob, "read", 1);
    expect_none(alice, "'t':'receipt'", 4000);
    end();
}
END_TEST

START_TEST(groups_count)
{
    begin();
    say(alice, "{'t':'conv.create','n':2,'title':'t','users':['u102','u103']}");
    conv = conv_in(expect(alice, "'re':2|'t':'ok'"));
    rig_run(rig, 200);
    send_text(alice, 10);
    expect(bob, "'text':'m10'");
    expect(carol, "'text':'m10'");
    mark(bob, "ack", 2);
    expect(alice, "'t':'receipt'|'seq':2|'delivered_n':1|'read_n':0");
    mark(carol, "read", 2);
    expect(alice, "'t':'receipt'|'seq':2|'delivered_n':2|'read_n':1");
    ck_assert_int_eq(seat_count(bob, "\"delivered_n\""), 0);
    end();
}
END_TEST

/* A home that takes over knows nothing of the last messages: it looks. */
START_TEST(counts_survive_a_takeover)
{
    struct home *h;

    begin();
    say(alice, "{'t':'conv.create','n':2,'title':'t','users':['u102','u103']}");
    conv = conv_in(expect(alice, "'re':2|'t':'ok'"));
    rig_run(rig, 200);
    send_text(alice, 10);
    expect(bob, "'text':'m10'");
    h = home_of(conv);
    h->recheck = h->row.head;
    home_reload(h);
    mark(bob, "ack", 2);
    expect(alice, "'t':'receipt'|'seq':2|'delivered_n':1");
    end();
}
END_TEST

/* What the bus loses is said again. */
START_TEST(lost_receipts_are_repeated)
{
    begin();
    say(alice, "{'t':'conv.open','n':2,'user':'u102'}");
    conv = conv_in(expect(alice, "'re':2|'t':'ok'"));
    for (int i = 10; i < 20; i++) {
        char what[64];

        send_text(alice, i);
        rig_run(rig, 1500);
        talk_lose = 1 + i % 3;
        mark(bob, "ack", i - 8);
        rig_run(rig, 1200);
        talk_lose = 0;
        snprintf(what, sizeof(what), "'t':'receipt'|'delivered':%d", i - 8);
        expect(alice, what);
    }
    end();
}
END_TEST

TALK_MAIN("receipts", direct_tells_the_other_one, marks_only_rise, groups_count,
          counts_survive_a_takeover, lost_receipts_are_repeated)
