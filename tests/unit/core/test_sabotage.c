/* Controls that can be taken out: each change is one that a test can see, and
 * nobody sees it in an honest server. */
#include "talk.h"

static struct seat *alice, *bob;
static const uint64_t pair[] = {101, 102, 0};

static void begin(const char *flag)
{
    talk_start(2, NULL);
    if (flag != NULL)
        ck_assert(sabotage_set(&rig->sabotage, flag));
    alice = talk_user(0, 101);
    bob = talk_user(1, 102);
}

static void end(void)
{
    seat_free(&alice);
    seat_free(&bob);
    rig_free(&rig);
}

static unsigned long long open_direct(void)
{
    say(alice, "{'t':'conv.open','n':2,'user':'u102'}");
    return conv_in(expect(alice, "'re':2|'created':true"));
}

static void send_again(const char *flag)
{
    unsigned long long conv;

    begin(flag);
    conv = open_direct();
    for (int n = 10; n < 12; n++)
        say(alice,
            "{'t':'send','n':%d,'conv':'c%llu','cid':'same',"
            "'body':{'text':'m'}}",
            n, conv);
    expect(alice, "'re':10|'t':'sent'|'cid':'same'");
    expect(alice, flag == NULL ? "'re':11|'cid':'same'|'dup':true"
                               : "'re':11|'cid':'same'|'seq':3");
    rig_run(rig, 100);
    ck_assert_int_eq(seat_count(bob, "\"text\":\"m\""), flag == NULL ? 1 : 2);
    end();
}

START_TEST(a_repeated_send_is_doubled)
{
    send_again(NULL);
    send_again("no_dedupe");
}
END_TEST

static void edit(const char *flag)
{
    unsigned long long conv;

    begin(flag);
    conv = open_direct();
    say(alice,
        "{'t':'send','n':9,'conv':'c%llu','cid':'k','body':{'text':'m'}}",
        conv);
    expect(alice, "'re':9|'seq':2");
    say(bob,
        "{'t':'edit','n':3,'conv':'c%llu','cid':'e','seq':2,"
        "'body':{'text':'x'}}",
        conv);
    expect(bob, flag == NULL ? "'re':3|'t':'err'" : "'re':3|'t':'sent'");
    end();
}

START_TEST(anyone_edits)
{
    edit(NULL);
    edit("edit_by_anyone");
}
END_TEST

static void blocked(const char *flag)
{
    unsigned long long conv;

    begin(flag);
    conv = open_direct();
    say(bob, "{'t':'user.block','n':3,'user':'u101','on':true}");
    expect(bob, "'re':3|'t':'ok'");
    rig_run(rig, 50);
    say(alice,
        "{'t':'send','n':9,'conv':'c%llu','cid':'k','body':{'text':'m'}}",
        conv);
    expect(alice,
           flag == NULL ? "'re':9|'code':'blocked'" : "'re':9|'t':'sent'");
    end();
}

START_TEST(a_block_is_ignored)
{
    blocked(NULL);
    blocked("ignore_block");
}
END_TEST

static int typed(const char *flag)
{
    unsigned long long conv;
    int count;

    begin(flag);
    conv = open_direct();
    rig_run(rig, 100);
    say(alice, "{'t':'view','n':5,'convs':['c%llu']}", conv);
    rig_run(rig, 100);
    say(bob, "{'t':'typing','conv':'c%llu','on':true}", conv);
    rig_run(rig, 100);
    count = seat_count(alice, "\"t\":\"typing\"");
    end();
    return count;
}

START_TEST(typing_is_forgotten)
{
    ck_assert_int_eq(typed(NULL), 1);
    ck_assert_int_eq(typed("forget_typing"), 0);
}
END_TEST

static void catch_up(const char *flag, const char *log)
{
    struct seat *late;

    begin(flag);
    rig_conv(rig, 100, CONV_DIRECT, pair);
    for (int i = 0; i < 10; i++)
        rig_append(rig, 100, 101, "{\"text\":\"x\"}");
    late = seat_login(rig, 0, 102, rig_device(rig, 102),
                      ",\"last_seen\":{\"c100\":7}");
    ck_assert_str_eq(seat_log(late, 100), log);
    ck_assert_int_eq(seat_count(late, "synced"), 1);
    seat_free(&late);
    end();
}

START_TEST(a_backlog_has_a_hole)
{
    catch_up(NULL, "8 9 10 11");
    catch_up("lose_backlog_entry", "8 9 11");
}
END_TEST

static void fence(const char *flag)
{
    struct seat *late;

    begin(flag);
    rig_conv(rig, 100, CONV_DIRECT, pair);
    for (int i = 0; i < 10; i++)
        rig_append(rig, 100, 101, "{\"text\":\"x\"}");
    late = seat_login(rig, 0, 102, rig_device(rig, 102),
                      ",\"last_seen\":{\"c100\":1},"
                      "\"win\":{\"entries\":2,\"bytes\":10000}");
    say(late, "{'t':'fence','n':5,'convs':['c100']}");
    rig_run(rig, 1000);
    ck_assert_int_eq(seat_count(late, "\"re\":5"), flag == NULL ? 0 : 1);
    seat_free(&late);
    end();
}

START_TEST(a_fence_comes_early)
{
    fence(NULL);
    fence("fence_early");
}
END_TEST

TALK_MAIN("sabotage", a_repeated_send_is_doubled, anyone_edits,
          a_block_is_ignored, typing_is_forgotten, a_backlog_has_a_hole,
          a_fence_comes_early)
