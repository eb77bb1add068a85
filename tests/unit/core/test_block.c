#include "talk.h"

static struct seat *alice, *bob;
static unsigned long long conv;

static void begin(void)
{
    talk_start(2, NULL);
    alice = talk_user(0, 101);
    bob = talk_user(1, 102);
}

static void end(void)
{
    seat_free(&alice);
    seat_free(&bob);
    rig_free(&rig);
}

static void open_direct(const char *what)
{
    say(alice, "{'t':'conv.open','n':2,'user':'u102'}");
    conv = conv_in(expect(alice, what));
}

static void send_text(struct seat *s, int n)
{
    say(s,
        "{'t':'send','n':%d,'conv':'c%llu','cid':'k%d',"
        "'body':{'text':'m%d'}}",
        n, conv, n, n);
}

START_TEST(block_and_unblock)
{
    begin();
    open_direct("'re':2|'created':true");
    send_text(alice, 10);
    expect(alice, "'re':10|'t':'sent'");
    say(bob, "{'t':'user.block','n':3,'user':'u101','on':true}");
    expect(bob, "'re':3|'t':'ok'");
    expect(bob, "'op':'block'|'u101'");
    rig_run(rig, 50); /* the news crosses the bus */
    send_text(alice, 11);
    expect(alice, "'re':11|'code':'blocked'|'temp':false");
    send_text(alice, 10); /* said before the block: the same answer */
    expect(alice, "'re':10|'t':'sent'|'dup':true");
    send_text(bob, 12); /* who blocks may still write */
    expect(bob, "'re':12|'t':'sent'");
    say(bob, "{'t':'user.blocks','n':4}");
    expect(bob, "'re':4|'users':['u101']");
    say(bob, "{'t':'user.block','n':5,'user':'u101','on':false}");
    expect(bob, "'re':5|'t':'ok'");
    expect(bob, "'op':'unblock'");
    rig_run(rig, 50);
    send_text(alice, 13);
    expect(alice, "'re':13|'t':'sent'");
    ck_assert_int_eq(seat_count(bob, "\"text\":\"m11\""), 0);
    end();
}
END_TEST

START_TEST(block_stands_before_opening_and_adding)
{
    begin();
    say(bob, "{'t':'user.block','n':3,'user':'u101','on':true}");
    expect(bob, "'re':3|'t':'ok'");
    say(alice, "{'t':'conv.open','n':4,'user':'u102'}");
    expect(alice, "'re':4|'code':'blocked'");
    say(bob, "{'t':'conv.open','n':5,'user':'u101'}");
    expect(bob, "'re':5|'code':'blocked'");
    say(alice, "{'t':'conv.create','n':6,'title':'t','users':['u102']}");
    expect(alice, "'re':6|'code':'blocked'");
    say(alice, "{'t':'conv.create','n':7,'title':'t','users':[]}");
    conv = conv_in(expect(alice, "'re':7|'t':'ok'"));
    say(alice, "{'t':'conv.add','n':8,'conv':'c%llu','users':['u102']}", conv);
    expect(alice, "'re':8|'code':'blocked'");
    end();
}
END_TEST

START_TEST(nobody_and_oneself_cannot_be_blocked)
{
    begin();
    say(bob, "{'t':'user.block','n':3,'user':'u102','on':true}");
    expect(bob, "'re':3|'code':'bad_frame'");
    say(bob, "{'t':'user.block','n':4,'user':'u999','on':true}");
    expect(bob, "'re':4|'code':'not_found'");
    end();
}
END_TEST

START_TEST(closed_contact_is_not_opened)
{
    begin();
    say(bob, "{'t':'user.set','n':3,'contact':'closed'}");
    expect(bob, "'re':3|'t':'ok'");
    say(alice, "{'t':'conv.open','n':4,'user':'u102'}");
    expect(alice, "'re':4|'code':'blocked'");
    say(alice, "{'t':'conv.create','n':6,'title':'t','users':['u102']}");
    expect(alice, "'re':6|'t':'ok'"); /* it speaks of direct ones only */
    say(bob, "{'t':'conv.open','n':5,'user':'u101'}");
    conv = conv_in(expect(bob, "'re':5|'created':true"));
    open_direct("'re':2|'created':false"); /* it is there now */
    send_text(alice, 10);
    expect(alice, "'re':10|'t':'sent'");
    end();
}
END_TEST

START_TEST(request_contact_takes_one_message)
{
    begin();
    say(bob, "{'t':'user.set','n':3,'contact':'request'}");
    expect(bob, "'re':3|'t':'ok'");
    open_direct("'re':2|'created':true");
    send_text(alice, 10);
    send_text(alice, 11);
    expect(alice, "'re':10|'t':'sent'");
    expect(alice, "'re':11|'code':'blocked'");
    rig_run(rig, 15000); /* also when it is read from the store again */
    send_text(alice, 12);
    expect(alice, "'re':12|'code':'blocked'");
    send_text(bob, 13);
    expect(bob, "'re':13|'t':'sent'");
    send_text(alice, 14);
    send_text(alice, 15);
    expect(alice, "'re':14|'t':'sent'");
    expect(alice, "'re':15|'t':'sent'");
    end();
}
END_TEST

TALK_MAIN("blocks", block_and_unblock, block_stands_before_opening_and_adding,
          nobody_and_oneself_cannot_be_blocked, closed_contact_is_not_opened,
          request_contact_takes_one_message)
