#include "talk.h"

/* Conversations of more than three members are big here. */
static void few(struct rig *r)
{
    r->config.no_budgets = true;
    r->config.live_members = 3;
}

static struct seat *seats[6];
static unsigned long long conv;

static void begin(void (*adjust)(struct rig *r), const char *users)
{
    talk_start(2, adjust);
    for (int i = 0; i < 6; i++)
        seats[i] = talk_user(i % 2, 101 + (uint64_t)i);
    say(seats[0], "{'t':'conv.create','n':2,'title':'t','users':[%s]}", users);
    conv = conv_in(expect(seats[0], "'re':2|'t':'ok'"));
    rig_run(rig, 500);
}

static void end(void)
{
    for (int i = 0; i < 6; i++)
        seat_free(&seats[i]);
    rig_free(&rig);
}

static void ask(int who, int n, const char *kind, const char *members,
                const char *what)
{
    char pattern[128];

    say(seats[who], "{'t':'%s','n':%d,'conv':'c%llu'%s}", kind, n, conv,
        members);
    snprintf(pattern, sizeof(pattern), "'re':%d|%s", n, what);
    talk_expect(seats[who], pattern, __LINE__);
}

START_TEST(roster_is_in_order)
{
    struct home *h;

    begin(NULL, "'u105','u102','u104'");
    h = home_of(conv);
    ck_assert_int_eq(h->roster_count, 4);
    for (int i = 1; i < h->roster_count; i++)
        ck_assert_uint_lt(h->roster[i - 1].user, h->roster[i].user);
    ck_assert_ptr_nonnull(home_member(h, 104));
    ck_assert_ptr_null(home_member(h, 103));
    ck_assert_uint_eq(roster_heir(h, 101), 102);
    ask(0, 5, "conv.remove", ",'user':'u104'", "'t':'ok'");
    ck_assert_ptr_null(home_member(h, 104));
    ck_assert_int_eq(h->row.members, 3);
    end();
}
END_TEST

START_TEST(roster_read_again_is_the_same)
{
    struct home *h;

    begin(NULL, "'u105','u102','u104'");
    h = home_of(conv);
    home_reload(h);
    ask(0, 5, "send", ",'body':{'text':'x'}", "'t':'sent'");
    ck_assert_int_eq(h->roster_count, 4);
    ck_assert_int_eq(home_member(h, 101)->role, ROLE_OWNER);
    ck_assert_int_eq(home_member(h, 105)->role, ROLE_MEMBER);
    end();
}
END_TEST

START_TEST(big_rosters_are_looked_up)
{
    struct home *h;

    begin(few, "'u102','u103','u104'");
    h = home_of(conv);
    ck_assert(home_is_big(h));
    ck_assert_ptr_null(h->roster);
    ask(1, 5, "send", ",'body':{'text':'x'}", "'t':'sent'");
    ask(4, 6, "send", ",'body':{'text':'x'}", "'code':'not_found'");
    ask(1, 7, "conv.rename", ",'title':'x'", "'t':'err'");
    ask(0, 8, "conv.add", ",'users':['u105']", "'t':'ok'");
    ask(4, 9, "send", ",'body':{'text':'x'}", "'t':'sent'");
    ask(0, 10, "conv.role", ",'user':'u102','role':'admin'", "'t':'ok'");
    ask(0, 11, "conv.add", ",'users':['u102','u106']", "'t':'ok'");
    ask(1, 12, "conv.rename", ",'title':'x'", "'t':'ok'");
    ask(0, 13, "conv.remove", ",'user':'u103'", "'t':'ok'");
    ask(2, 14, "send", ",'body':{'text':'x'}", "'code':'not_found'");
    end();
}
END_TEST

START_TEST(it_becomes_big_and_small_again)
{
    struct home *h;

    begin(few, "'u102','u103'");
    h = home_of(conv);
    ck_assert_int_eq(h->roster_count, 3);
    ask(0, 5, "conv.add", ",'users':['u104']", "'t':'ok'");
    ck_assert(home_is_big(h));
    ck_assert_int_eq(h->roster_count, 0);
    ask(1, 6, "send", ",'body':{'text':'x'}", "'t':'sent'");
    ask(0, 7, "conv.remove", ",'user':'u103'", "'t':'ok'");
    expect(seats[1], "'t':'gap'|'to':4|'deferred'"); /* on either node */
    expect(seats[3], "'t':'gap'|'to':4|'deferred'");
    ask(1, 8, "send", ",'body':{'text':'x'}", "'t':'sent'");
    ck_assert(!home_is_big(h));
    ck_assert_int_eq(h->roster_count, 3);
    ck_assert_ptr_null(home_member(h, 103));
    end();
}
END_TEST

START_TEST(big_ones_get_heads_viewers_entries)
{
    begin(few, "'u102','u103','u104'");
    say(seats[1], "{'t':'view','n':5,'convs':['c%llu'],'users':[]}", conv);
    rig_run(rig, 1000);
    ask(0, 6, "send", ",'body':{'text':'big'}", "'t':'sent'");
    expect(seats[1], "'t':'entry'|'text':'big'");
    expect(seats[2], "'t':'head'|'seq':2");
    expect(seats[3], "'t':'head'|'seq':2");
    ck_assert_int_eq(seat_count(seats[2], "\"text\":\"big\""), 0);
    ck_assert_int_eq(seat_count(seats[4], "\"t\":\"head\""), 0);
    end();
}
END_TEST

START_TEST(typing_reaches_viewers)
{
    begin(NULL, "'u102','u103'");
    say(seats[1], "{'t':'view','n':5,'convs':['c%llu'],'users':[]}", conv);
    rig_run(rig, 500);
    say(seats[0], "{'t':'typing','conv':'c%llu','on':true}", conv);
    expect(seats[1], "'t':'typing'|'user':'u101'|'on':true");
    say(seats[4], "{'t':'typing','conv':'c%llu','on':true}", conv);
    expect_none(seats[1], "'t':'typing'|'user':'u105'", 1000);
    ck_assert_int_eq(seat_count(seats[2], "\"t\":\"typing\""), 0);
    end();
}
END_TEST

TALK_MAIN("rosters", roster_is_in_order, roster_read_again_is_the_same,
          big_rosters_are_looked_up, it_becomes_big_and_small_again,
          big_ones_get_heads_viewers_entries, typing_reaches_viewers)
