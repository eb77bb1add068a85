/* Every kind, with every member it has, and what comes out of it. */
#include "unit/proto/decode.h"

#include <stdio.h>

#include "unit/base/suite.h"

START_TEST(hello)
{
    struct frame f;
    struct mark m;
    struct span seen;

    decode_ok(&f, FROM_CLIENT,
              "{'t':'hello','n':1,'ver':[0,1,2],'dev':'d7','token':'abc',"
              "'ua':'confab \\u00e9','win':{'entries':256,'bytes':262144},"
              "'last_seen':{'c5':74,'c6':0},'strict':true}");
    ck_assert_int_eq(f.kind, FRAME_HELLO);
    ck_assert_int_eq(f.n, 1);
    ck_assert(f.v1 && f.dev == 7 && f.strict && span_is(f.token, "abc"));
    ck_assert(span_is(f.ua, "confab \\u00e9"));
    ck_assert(f.win_entries == 256 && f.win_bytes == 262144);
    seen = f.last_seen;
    ck_assert(frame_next_seen(&seen, &m) && m.conv == 5 && m.seq == 74);
    ck_assert(frame_next_seen(&seen, &m) && m.conv == 6 && m.seq == 0);
    ck_assert(!frame_next_seen(&seen, &m));
    decode_ok(&f, FROM_CLIENT, "{'t':'hello','ver':[2],'last_seen':{}}");
    seen = f.last_seen;
    ck_assert(!f.v1 && !frame_next_seen(&seen, &m));
    ck_assert(frame_has(&f, M_LAST_SEEN) && !frame_has(&f, M_DEV));
    ck_assert_int_eq(
        decode_as(&f, FROM_CLIENT, "{'t':'hello','win':{'n':3}}", false), 0);
    ck_assert_int_eq(f.n, 0); /* a member of win is not one of the frame */
}
END_TEST

START_TEST(send)
{
    struct frame f;
    struct span list;
    uint64_t user;

    decode_ok(&f, FROM_CLIENT,
              "{'t':'send','n':2,'conv':'c5','cid':'ci-4711',"
              "'body':{'text':'build green'},'thread':3,'reply':4,"
              "'mention':['u1', 'u9'],'ttl':60000,'trace':true}");
    ck_assert(f.kind == FRAME_SEND && f.n == 2 && f.conv == 5);
    ck_assert(span_is(f.cid, "ci-4711") && f.thread == 3 && f.reply == 4);
    ck_assert(f.ttl == 60000 && f.trace);
    ck_assert(quoted_is(f.body, "{'text':'build green'}"));
    list = f.mention;
    ck_assert(frame_next_user(&list, &user) && user == 1);
    ck_assert(frame_next_user(&list, &user) && user == 9);
    ck_assert(!frame_next_user(&list, &user));
}
END_TEST

START_TEST(members_come_in_any_order_with_white_space)
{
    struct frame f;

    decode_ok(&f, FROM_CLIENT,
              " \t{ 't' : 'send' , 'body' : { 'text' : 'x' } ,"
              " 'cid' : 'k' , 'conv' : 'c5' , 'n' : 2 } \r");
    ck_assert(f.n == 2 && f.conv == 5 && span_is(f.cid, "k"));
    ck_assert(quoted_is(f.body, "{ 'text' : 'x' }"));
}
END_TEST

START_TEST(changes_of_messages)
{
    struct frame f;

    decode_ok(&f, FROM_CLIENT,
              "{'t':'edit','n':1,'conv':'c5','seq':9,'cid':'k',"
              "'body':{'text':'y'}}");
    ck_assert(f.kind == FRAME_EDIT && f.seq == 9 && f.body.p != NULL);
    decode_ok(&f, FROM_CLIENT,
              "{'t':'delete','n':1,'conv':'c5','seq':9,'cid':'k'}");
    ck_assert(f.kind == FRAME_DELETE && f.seq == 9);
    decode_ok(&f, FROM_CLIENT,
              "{'t':'react','n':1,'conv':'c5','seq':9,'cid':'k',"
              "'emoji':'\\u2764','on':true}");
    ck_assert(f.kind == FRAME_REACT && f.on && span_is(f.emoji, "\\u2764"));
}
END_TEST

START_TEST(bodies)
{
    static const char *const good[] = {
        "{'text':'x'}",
        "{'media':{}}",
        "{'media':{'blob':'b1','mime':'image/png'},'caption':'look'}",
        "{'enc':'AAAA'}",
        "{'enc':{'wraps':'AAAA'}}",
        "{'text':'x','format':[1,2.5,null]}",
        "{'textual':1,'text':'x'}",
    };
    struct frame f;
    char text[200];

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        snprintf(text, sizeof(text),
                 "{'t':'send','conv':'c1','cid':'k','body':%s}", good[i]);
        decode_ok(&f, FROM_CLIENT, text);
        ck_assert(quoted_is(f.body, good[i]));
    }
}
END_TEST

START_TEST(marks)
{
    struct frame f;
    struct mark m;

    decode_ok(&f, FROM_CLIENT, "{'t':'ack','at':[['c5',76],[ 'c6' , 0 ]]}");
    ck_assert_int_eq(f.kind, FRAME_ACK);
    ck_assert(frame_next_mark(&f.at, &m) && m.conv == 5 && m.seq == 76);
    ck_assert(frame_next_mark(&f.at, &m) && m.conv == 6 && m.seq == 0);
    ck_assert(!frame_next_mark(&f.at, &m));
    decode_ok(&f, FROM_CLIENT, "{'t':'read','at':[]}");
    ck_assert_int_eq(f.kind, FRAME_READ);
    ck_assert(!frame_next_mark(&f.at, &m));
}
END_TEST

START_TEST(looking)
{
    struct frame f;
    uint64_t id;

    decode_ok(&f, FROM_CLIENT, "{'t':'view','n':3,'convs':['c1'],'users':[]}");
    ck_assert(frame_next_conv(&f.convs, &id) && id == 1);
    ck_assert(!frame_next_conv(&f.convs, &id));
    ck_assert(!frame_next_user(&f.users, &id));
    decode_ok(&f, FROM_CLIENT,
              "{'t':'history','n':4,'conv':'c5','after':0,'limit':200,"
              "'thread':2}");
    ck_assert(frame_has(&f, M_AFTER) && f.after == 0 && f.limit == 200);
    ck_assert(!frame_has(&f, M_BEFORE) && f.thread == 2);
    decode_ok(&f, FROM_CLIENT, "{'t':'history','conv':'c5','before':9}");
    ck_assert_int_eq(f.before, 9);
    decode_ok(&f, FROM_CLIENT, "{'t':'state','n':5,'conv':'c5','seq':3}");
    ck_assert(f.kind == FRAME_STATE && f.seq == 3);
    decode_ok(&f, FROM_CLIENT, "{'t':'typing','conv':'c5','on':false}");
    ck_assert(f.kind == FRAME_TYPING && !f.on && frame_has(&f, M_ON));
    decode_ok(&f, FROM_CLIENT, "{'t':'hb','act':true}");
    ck_assert(f.kind == FRAME_HB && f.act);
    decode_ok(&f, FROM_CLIENT, "{'t':'fence','n':6,'convs':['c1','c2']}");
    ck_assert(frame_next_conv(&f.convs, &id) && id == 1);
    decode_ok(&f, FROM_CLIENT, "{'t':'bye'}");
    ck_assert_int_eq(f.kind, FRAME_BYE);
}
END_TEST

START_TEST(conversations)
{
    struct frame f;

    decode_ok(&f, FROM_CLIENT,
              "{'t':'conv.open','n':1,'user':'u2','mode':'e2ee'}");
    ck_assert(f.kind == FRAME_CONV_OPEN && f.user == 2);
    ck_assert_int_eq(f.mode, MODE_E2EE);
    decode_ok(&f, FROM_CLIENT,
              "{'t':'conv.create','n':1,'title':'ops','users':['u2'],"
              "'kind':'channel','mode':'open','cid':'k'}");
    ck_assert(f.ckind == CONV_CHANNEL && f.mode == MODE_OPEN);
    ck_assert(span_is(f.title, "ops"));
    decode_ok(&f, FROM_CLIENT,
              "{'t':'conv.list','n':1,'after':'c9','limit':7}");
    ck_assert(f.conv == 9 && f.limit == 7);
    decode_ok(&f, FROM_CLIENT, "{'t':'conv.info','n':1,'conv':'c9'}");
    decode_ok(&f, FROM_CLIENT,
              "{'t':'conv.members','n':1,'conv':'c9','after':'u4','limit':1}");
    ck_assert(f.conv == 9 && f.user == 4);
    decode_ok(&f, FROM_CLIENT,
              "{'t':'conv.add','conv':'c9','users':['u1','u2'],'cid':'k'}");
    decode_ok(&f, FROM_CLIENT,
              "{'t':'conv.remove','conv':'c9','user':'u1','cid':'k'}");
    decode_ok(&f, FROM_CLIENT, "{'t':'conv.leave','conv':'c9','cid':'k'}");
    decode_ok(&f, FROM_CLIENT,
              "{'t':'conv.role','conv':'c9','user':'u1','role':'owner'}");
    ck_assert_int_eq(f.role, ROLE_OWNER);
    decode_ok(&f, FROM_CLIENT,
              "{'t':'conv.rename','conv':'c9','title':'caf\xc3\xa9'}");
    ck_assert(span_is(f.title, "caf\xc3\xa9"));
}
END_TEST

START_TEST(users)
{
    struct frame f;

    decode_ok(&f, FROM_CLIENT, "{'t':'user.find','n':1,'name':'alice'}");
    ck_assert(span_is(f.name, "alice"));
    decode_ok(&f, FROM_CLIENT, "{'t':'user.info','n':1,'users':['u1']}");
    decode_ok(&f, FROM_CLIENT,
              "{'t':'user.set','n':1,'display':'','contact':'closed'}");
    ck_assert(frame_has(&f, M_DISPLAY) && f.display.n == 0);
    ck_assert(span_is(f.contact, "closed"));
    decode_ok(&f, FROM_CLIENT, "{'t':'user.block','user':'u1','on':true}");
    decode_ok(&f, FROM_CLIENT, "{'t':'user.blocks','n':1}");
    decode_ok(&f, FROM_CLIENT, "{'t':'user.devices','n':1}");
    decode_ok(&f, FROM_CLIENT,
              "{'t':'user.device','dev':'d4294967295','name':'my \\npc'}");
    ck_assert(f.dev == UINT32_MAX);
    decode_ok(&f, FROM_CLIENT, "{'t':'user.revoke','dev':'d2'}");
    decode_ok(&f, FROM_CLIENT, "{'t':'user.delete','name':'alice'}");
    decode_ok(&f, FROM_CLIENT, "{'t':'user.export','after':'x.1','limit':5}");
    ck_assert(span_is(f.cursor, "x.1") && frame_has(&f, M_CURSOR));
}
END_TEST

/* Kinds whose members are read elsewhere: nothing is unknown in them. */
START_TEST(open_kinds)
{
    static const char *const kinds[] = {"ticket",   "fetch",      "keys.put",
                                        "keys.get", "keys.count", "ws.create",
                                        "search"};
    struct frame f;
    char text[100];

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        snprintf(text, sizeof(text), "{'t':'%s','n':9,'what':{'x':[1]}}",
                 kinds[i]);
        decode_ok(&f, FROM_CLIENT, text);
        ck_assert_int_eq(f.n, 9);
        ck_assert(span_is(json_member(f.raw, "what"), "{\"x\":[1]}"));
    }
}
END_TEST

START_TEST(from_the_server)
{
    struct frame f;

    decode_ok(&f, FROM_SERVER,
              "{'t':'welcome','re':1,'user':'u2','dev':'d7','node':3,"
              "'store':'s1','lease':5,'hb':30000,'ttl':45000,"
              "'limits':{'object':65536},'durability':'fsync','now':17640}");
    ck_assert(f.re == 1 && f.user == 2 && f.dev == 7 && f.node == 3);
    ck_assert(f.lease == 5 && f.hb == 30000 && f.pttl == 45000);
    ck_assert(f.now == 17640 && span_is(f.store, "s1"));
    ck_assert(span_is(f.durability, "fsync") && f.limits.n == 16);
    decode_ok(&f, FROM_SERVER,
              "{'t':'sent','re':2,'conv':'c5','cid':'k','seq':77,"
              "'id':'730144','ts':1764,'dup':true}");
    ck_assert(f.seq == 77 && f.id == 730144 && f.ts == 1764 && f.dup);
    decode_ok(&f, FROM_SERVER,
              "{'t':'gap','conv':'c5','from':1,'to':9,'why':'deferred'}");
    ck_assert(f.from_seq == 1 && f.to == 9 && span_is(f.why, "deferred"));
    decode_ok(&f, FROM_SERVER,
              "{'t':'receipt','conv':'c5','user':'u3','delivered':7,'read':0}");
    ck_assert(f.user == 3 && f.delivered == 7 && f.read == 0);
    decode_ok(&f, FROM_SERVER,
              "{'t':'receipt','conv':'c5','seq':3,'delivered_n':2,'read_n':1}");
    ck_assert(f.seq == 3 && f.delivered_n == 2 && f.read_n == 1);
    decode_ok(&f, FROM_SERVER, "{'t':'head','conv':'c5','seq':3,'mentions':1}");
    ck_assert(f.seq == 3 && f.mentions == 1);
    decode_ok(&f, FROM_SERVER,
              "{'t':'typing','conv':'c5','user':'u3','on':true}");
    ck_assert(f.user == 3 && f.on);
    decode_ok(&f, FROM_SERVER, "{'t':'hb','re':4,'now':5}");
    ck_assert(f.re == 4 && f.now == 5);
    decode_ok(&f, FROM_SERVER, "{'t':'ok','re':4,'conv':'c9','x':{}}");
    ck_assert(quoted_is(json_member(f.raw, "conv"), "'c9'"));
}
END_TEST

START_TEST(errors_and_ends)
{
    struct frame f;

    decode_ok(&f, FROM_SERVER,
              "{'t':'err','re':7,'code':'rate','temp':true,'retry':1200,"
              "'msg':'slow','missing':['d1']}");
    ck_assert(f.temp && f.retry_min == 1200 && f.retry_max == 1200);
    ck_assert(span_is(f.code, "rate") && span_is(f.msg, "slow"));
    decode_ok(&f, FROM_SERVER,
              "{'t':'bye','code':4000,'retry':[500,60000],'msg':'drain'}");
    ck_assert(f.bye_code == 4000 && f.retry_min == 500);
    ck_assert_int_eq(f.retry_max, 60000);
}
END_TEST

START_TEST(entries)
{
    struct frame f;
    struct entry e;

    decode_ok(&f, FROM_SERVER,
              "{'t':'entry','conv':'c5','seq':8,'id':'99','k':'edit',"
              "'from':'u1','dev':'d2','ts':5,'of':7,'thread':1,'reply':2,"
              "'expires':9,'deleted':true,'trace':true,'cid':'k',"
              "'mention':['u4'],'body':{'text':'x'}}");
    frame_entry(&f, &e);
    ck_assert(e.conv == 5 && e.seq == 8 && e.id == 99 && e.kind == ENTRY_EDIT);
    ck_assert(e.from == 1 && e.dev == 2 && e.ts == 5 && e.of == 7);
    ck_assert(e.thread == 1 && e.reply == 2 && e.expires == 9);
    ck_assert(e.deleted && e.trace && span_is(e.cid, "k"));
    ck_assert(quoted_is(e.mention, "['u4']"));
    ck_assert(quoted_is(e.body, "{'text':'x'}"));
    decode_ok(&f, FROM_SERVER,
              "{'t':'entry','conv':'c5','seq':8,'id':'99','k':'poll',"
              "'from':'u1','ts':5,'body':{'q':1}}");
    frame_entry(&f, &e);
    ck_assert_int_eq(e.kind, 0); /* of a later version: shown as such */
}
END_TEST

START_TEST(batches)
{
    struct frame f;
    struct entry e;

    decode_ok(&f, FROM_SERVER,
              "{'t':'batch','re':3,'conv':'c5','entries':["
              "{'seq':75,'id':'1','k':'msg','from':'u1','dev':'d1','ts':1,"
              "'body':{'text':'a','b':[{}]}} , "
              "{'seq':76,'id':'2','k':'msg','from':'u2','ts':2,"
              "'deleted':true}],'from':75,'to':76,'head':80,'more':true}");
    ck_assert(f.re == 3 && f.from_seq == 75 && f.to == 76 && f.head == 80);
    ck_assert(f.more);
    ck_assert(frame_next_entry(&f.entries, f.conv, &e));
    ck_assert(e.conv == 5 && e.seq == 75 && e.body.n == 21);
    ck_assert(frame_next_entry(&f.entries, f.conv, &e));
    ck_assert(e.seq == 76 && e.deleted && e.body.p == NULL && e.dev == 0);
    ck_assert(!frame_next_entry(&f.entries, f.conv, &e));
    decode_ok(&f, FROM_SERVER,
              "{'t':'batch','conv':'c5','entries':[],'from':0,'to':0,"
              "'head':0,'more':false}");
    ck_assert(!frame_next_entry(&f.entries, f.conv, &e));
}
END_TEST

START_TEST(synced_and_presence)
{
    struct frame f;
    struct mark m;
    struct presence_row row;

    decode_ok(&f, FROM_SERVER, "{'t':'synced'}");
    ck_assert(!frame_has(&f, M_MORE));
    decode_ok(&f, FROM_SERVER, "{'t':'synced','more':[['c1',2000]]}");
    ck_assert(frame_next_mark(&f.more_list, &m) && m.seq == 2000);
    decode_ok(&f, FROM_SERVER,
              "{'t':'presence','re':4,'at':[['u3','on',17],['u4','away',0],"
              "['u5','off',1]]}");
    ck_assert(frame_next_presence(&f.at, &row) && row.user == 3);
    ck_assert(row.state == PRESENCE_ON && row.last == 17);
    ck_assert(frame_next_presence(&f.at, &row) && row.state == PRESENCE_AWAY);
    ck_assert(frame_next_presence(&f.at, &row) && row.state == PRESENCE_OFF);
    ck_assert(!frame_next_presence(&f.at, &row));
}
END_TEST

/* A body two levels deeper in a batch than in the send it came by. */
START_TEST(the_deepest_body_comes_back)
{
    static const char body[] = "{'text':'x','a':[[[[[[]]]]]]}";
    struct frame f;
    char text[300];

    snprintf(text, sizeof(text), "{'t':'send','conv':'c1','body':%s}", body);
    decode_ok(&f, FROM_CLIENT, text);
    snprintf(text, sizeof(text),
             "{'t':'batch','conv':'c1','entries':[{'seq':1,'id':'1','k':'msg',"
             "'from':'u1','ts':1,'body':%s}],'from':1,'to':1,'head':1,"
             "'more':false}",
             body);
    decode_ok(&f, FROM_SERVER, text);
}
END_TEST

/* The conversation that the protocol shows. */
START_TEST(transcript)
{
    static const struct {
        enum frame_side side;
        const char *text;
    } lines[] = {
        {FROM_CLIENT,
         "{'t':'hello','n':1,'ver':[1],'dev':'d7','token':'\xe2\x80\xa6',"
         "'win':{'entries':256,'bytes':262144},'last_seen':{'c5':74}}"},
        {FROM_SERVER,
         "{'t':'welcome','re':1,'user':'u2','dev':'d7','node':3,'store':'s1',"
         "'lease':5,'hb':30000,'ttl':45000,'durability':'fsync',"
         "'now':1764000000000}"},
        {FROM_SERVER,
         "{'t':'batch','conv':'c5','from':75,'to':76,'head':76,'more':false,"
         "'entries':[]}"},
        {FROM_CLIENT, "{'t':'ack','at':[['c5',76]]}"},
        {FROM_SERVER, "{'t':'synced'}"},
        {FROM_CLIENT, "{'t':'send','n':2,'conv':'c5','cid':'ci-4711',"
                      "'body':{'text':'build green'},'trace':true}"},
        {FROM_SERVER, "{'t':'sent','re':2,'conv':'c5','cid':'ci-4711','seq':77,"
                      "'id':'730144','ts':1764000000123}"},
        {FROM_SERVER,
         "{'t':'receipt','conv':'c5','user':'u3','delivered':77,'read':0}"},
        {FROM_SERVER, "{'t':'sent','re':2,'conv':'c5','cid':'ci-4711','seq':77,"
                      "'id':'730144','dup':true}"},
        {FROM_SERVER,
         "{'t':'err','re':7,'code':'rate','temp':true,'retry':1200,"
         "'msg':'\xe2\x80\xa6'}"},
    };
    struct frame f;

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        decode_ok(&f, lines[i].side, lines[i].text);
        ck_assert(decode_as(&f, FROM_CLIENT + FROM_SERVER - lines[i].side,
                            lines[i].text, true) < 0);
        ck_assert_str_eq(decode_error.code, "bad_direction");
    }
}
END_TEST

START_TEST(names_and_back)
{
    for (int k = FRAME_HELLO; k < FRAME_KINDS; k++) {
        const char *name = frame_kind_name((enum frame_kind)k);

        ck_assert_int_eq(frame_kind_parse(span_of(name)), k);
    }
    ck_assert_int_eq(frame_kind_parse(SPAN("ws.any")), FRAME_WS);
    ck_assert_int_eq(frame_kind_parse(SPAN("ws.")), FRAME_NONE);
    ck_assert_int_eq(frame_kind_parse(SPAN("sen")), FRAME_NONE);
    ck_assert_int_eq(frame_kind_parse(SPAN("")), FRAME_NONE);
    ck_assert_str_eq(frame_kind_name(FRAME_NONE), "?");
    ck_assert_str_eq(frame_kind_name(FRAME_KINDS), "?");
}
END_TEST

START_TEST(messages_split_at_line_feeds)
{
    struct span rest = SPAN("\n \r\n{1}\r\n\n{2}\n{3}"), object;

    ck_assert(frame_next(&rest, &object) && span_is(object, "{1}\r"));
    ck_assert(frame_next(&rest, &object) && span_is(object, "{2}"));
    ck_assert(frame_next(&rest, &object) && span_is(object, "{3}"));
    ck_assert(!frame_next(&rest, &object));
    rest = SPAN("\0");
    ck_assert(frame_next(&rest, &object) && object.n == 1);
    rest = (struct span){0};
    ck_assert(!frame_next(&rest, &object));
}
END_TEST

SUITE("frame", hello, send, members_come_in_any_order_with_white_space,
      changes_of_messages, bodies, marks, looking, conversations, users,
      open_kinds, from_the_server, errors_and_ends, entries, batches,
      synced_and_presence, the_deepest_body_comes_back, transcript,
      names_and_back, messages_split_at_line_feeds)
