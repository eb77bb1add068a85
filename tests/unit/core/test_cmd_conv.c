#include "talk.h"

/* u101 owner, u102 admin, u103 member, u104 member, u105 nobody. */
static struct seat *owner, *admin, *member, *other, *nobody;
static unsigned long long conv;
static int number;

static void begin(void)
{
    number = 10;
    talk_start(2, NULL);
    owner = talk_user(0, 101);
    admin = talk_user(1, 102);
    member = talk_user(0, 103);
    other = talk_user(1, 104);
    nobody = talk_user(0, 105);
    say(owner, "{'t':'conv.create','n':2,'title':'ops','cid':'make',"
               "'users':['u102','u103','u104']}");
    conv = conv_in(expect(owner, "'re':2|'t':'ok'"));
    say(owner,
        "{'t':'conv.role','n':3,'conv':'c%llu','user':'u102',"
        "'role':'admin'}",
        conv);
    expect(owner, "'re':3|'t':'ok'");
}

static void end(void)
{
    seat_free(&owner);
    seat_free(&admin);
    seat_free(&member);
    seat_free(&other);
    seat_free(&nobody);
    rig_free(&rig);
}

/* s asks kind with members; the answer has what in it. */
static const char *ask(struct seat *s, const char *kind, const char *members,
                       const char *what)
{
    char pattern[256];

    number++;
    say(s, "{'t':'%s','n':%d,'conv':'c%llu'%s}", kind, number, conv, members);
    snprintf(pattern, sizeof(pattern), "'re':%d|%s", number, what);
    return talk_expect(s, pattern, __LINE__);
}

#define OK "'t':'ok'"
#define SENT "'t':'sent'"
#define NOT_FOUND "'code':'not_found'"
#define DENIED "'t':'err'|'temp':false"
#define BAD "'code':'bad_frame'"

START_TEST(creation_reaches_everybody)
{
    begin();
    expect(member, "'t':'entry'|'op':'create'");
    expect(other, "'t':'entry'|'op':'create'");
    expect(other, "'op':'conv.add'"); /* in the self, too */
    ck_assert_ptr_null(heard(nobody, "'op':'create'"));
    end();
}
END_TEST

START_TEST(creation_is_idempotent)
{
    const char *line;

    begin();
    say(owner, "{'t':'conv.create','n':5,'title':'ops','cid':'make',"
               "'users':['u102','u103','u104']}");
    line = expect(owner, "'re':5|'created':false");
    ck_assert_uint_eq(conv_in(line), conv);
    say(owner, "{'t':'conv.create','n':6,'title':'ops','cid':'make',"
               "'users':['u102']}");
    expect(owner, "'re':6|'code':'cid_conflict'");
    say(owner, "{'t':'conv.create','n':7,'title':'x','users':['u999']}");
    expect(owner, "'re':7|'code':'not_found'");
    end();
}
END_TEST

START_TEST(open_gives_the_same_from_both_sides)
{
    unsigned long long a, b;

    begin();
    say(owner, "{'t':'conv.open','n':5,'user':'u105'}");
    a = conv_in(expect(owner, "'re':5|'created':true"));
    say(nobody, "{'t':'conv.open','n':6,'user':'u101'}");
    b = conv_in(expect(nobody, "'re':6|'created':false"));
    ck_assert_uint_eq(a, b);
    say(owner, "{'t':'conv.open','n':7,'user':'u101'}");
    expect(owner, "'re':7|'code':'bad_frame'");
    say(owner, "{'t':'conv.open','n':8,'user':'u999'}");
    expect(owner, "'re':8|'code':'not_found'");
    end();
}
END_TEST

START_TEST(who_may_add)
{
    begin();
    ask(nobody, "conv.add", ",'users':['u105']", NOT_FOUND);
    ask(member, "conv.add", ",'users':['u105']", DENIED);
    ask(admin, "conv.add", ",'users':['u105'],'cid':'add1'", OK "|'seq':3");
    expect(nobody, "'t':'entry'|'op':'add'");
    expect(nobody, "'op':'conv.add'");
    ask(admin, "conv.add", ",'users':['u105'],'cid':'add1'",
        OK "|'seq':3|'dup':true");
    ask(owner, "conv.add", ",'users':['u105']", OK); /* nothing to change */
    ask(owner, "conv.add", ",'users':['u999']", NOT_FOUND);
    ask(nobody, "send", ",'body':{'text':'here'}", SENT);
    expect(other, "'text':'here'");
    end();
}
END_TEST

START_TEST(who_may_remove)
{
    begin();
    ask(nobody, "conv.remove", ",'user':'u103'", NOT_FOUND);
    ask(member, "conv.remove", ",'user':'u104'", DENIED);
    ask(admin, "conv.remove", ",'user':'u101'", DENIED);
    ask(admin, "conv.remove", ",'user':'u105'", NOT_FOUND);
    ask(owner, "conv.remove", ",'user':'u101'", BAD);
    ask(admin, "conv.remove", ",'user':'u103','cid':'out'", OK "|'seq':3");
    expect(member, "'t':'entry'|'op':'remove'");
    expect(member, "'op':'conv.remove'");
    ask(admin, "conv.remove", ",'user':'u103','cid':'out'", OK "|'dup':true");
    ask(owner, "conv.remove", ",'user':'u102'", OK);
    ask(owner, "send", ",'body':{'text':'secret'}", SENT);
    expect(other, "'text':'secret'");
    ask(member, "send", ",'body':{'text':'x'}", NOT_FOUND);
    ck_assert_int_eq(seat_count(member, "secret"), 0);
    ck_assert_int_eq(seat_count(admin, "secret"), 0);
    end();
}
END_TEST

START_TEST(who_may_set_roles)
{
    begin();
    ask(nobody, "conv.role", ",'user':'u103','role':'admin'", NOT_FOUND);
    ask(member, "conv.role", ",'user':'u103','role':'admin'", DENIED);
    ask(admin, "conv.role", ",'user':'u103','role':'admin'", DENIED);
    ask(owner, "conv.role", ",'user':'u105','role':'admin'", NOT_FOUND);
    ask(owner, "conv.role", ",'user':'u101','role':'member'",
        "'code':'limit'"); /* one owner remains */
    ask(owner, "conv.role", ",'user':'u103','role':'owner'", OK);
    ask(owner, "conv.role", ",'user':'u101','role':'member'", OK);
    ask(owner, "conv.role", ",'user':'u102','role':'member'", DENIED);
    ask(member, "conv.role", ",'user':'u102','role':'member'", OK);
    ask(admin, "conv.add", ",'users':['u105']", DENIED);
    end();
}
END_TEST

START_TEST(who_may_rename)
{
    begin();
    ask(nobody, "conv.rename", ",'title':'x'", NOT_FOUND);
    ask(member, "conv.rename", ",'title':'x'", DENIED);
    ask(admin, "conv.rename", ",'title':'n\\u00e9w'", OK);
    expect(other, "'k':'title'|'title':'n\\u00e9w'");
    ask(member, "conv.info", "", "'title':'n\xc3\xa9w'");
    end();
}
END_TEST

START_TEST(last_owner_leaves_an_heir)
{
    begin();
    ask(owner, "conv.leave", ",'cid':'bye'", OK);
    ask(owner, "conv.leave", ",'cid':'bye'", OK "|'dup':true");
    ask(owner, "send", ",'body':{'text':'x'}", NOT_FOUND);
    ask(admin, "conv.role", ",'user':'u103','role':'admin'", OK);
    ask(admin, "conv.leave", "", OK);
    ask(member, "conv.leave", "", OK);
    ask(other, "conv.rename", ",'title':'mine'", OK);
    ask(other, "conv.leave", "", OK);
    ask(other, "conv.leave", "", NOT_FOUND);
    end();
}
END_TEST

START_TEST(direct_conversations_stay)
{
    begin();
    say(owner, "{'t':'conv.open','n':5,'user':'u105'}");
    conv = conv_in(expect(owner, "'re':5|'t':'ok'"));
    ask(owner, "conv.add", ",'users':['u102']", BAD);
    ask(owner, "conv.remove", ",'user':'u105'", BAD);
    ask(owner, "conv.leave", "", BAD);
    ask(owner, "conv.role", ",'user':'u105','role':'admin'", BAD);
    ask(owner, "conv.rename", ",'title':'x'", BAD);
    end();
}
END_TEST

START_TEST(nobody_writes_into_a_self)
{
    begin();
    conv = 101;
    ask(owner, "send", ",'body':{'text':'x'}", BAD);
    ask(nobody, "send", ",'body':{'text':'x'}", NOT_FOUND);
    ask(owner, "conv.rename", ",'title':'x'", BAD);
    end();
}
END_TEST

START_TEST(edit_delete_react)
{
    begin();
    ask(member, "send", ",'body':{'text':'one'},'cid':'m1'", SENT "|'seq':3");
    ask(other, "edit", ",'seq':3,'body':{'text':'no'}", DENIED);
    ask(member, "edit", ",'seq':3,'body':{'text':'two'}", SENT "|'seq':4");
    expect(other, "'k':'edit'|'of':3");
    ask(other, "react", ",'seq':3,'emoji':'+1','on':true", SENT "|'seq':5");
    expect(member, "'k':'react'|'emoji':'+1'");
    ask(other, "react", ",'seq':2,'emoji':'+1','on':true", NOT_FOUND);
    ask(other, "react", ",'seq':99,'emoji':'+1','on':true", NOT_FOUND);
    ask(nobody, "react", ",'seq':3,'emoji':'+1','on':true", NOT_FOUND);
    ask(other, "delete", ",'seq':3", DENIED);
    ask(admin, "delete", ",'seq':3", SENT);
    expect(other, "'k':'delete'|'of':3");
    ask(member, "edit", ",'seq':3,'body':{'text':'x'}", NOT_FOUND);
    ask(member, "delete", ",'seq':3", NOT_FOUND);
    end();
}
END_TEST

/* The same cid gives the same answer, looked up before every check. */
START_TEST(duplicates_come_before_checks)
{
    begin();
    ask(member, "send", ",'body':{'text':'one'},'cid':'m1'", SENT "|'seq':3");
    ask(owner, "conv.remove", ",'user':'u103'", OK);
    ask(member, "send", ",'body':{'text':'one'},'cid':'m1'",
        SENT "|'seq':3|'dup':true");
    ask(member, "send", ",'body':{'text':'two'},'cid':'m1'",
        "'code':'cid_conflict'|'seq':3");
    ask(member, "send", ",'body':{'text':'two'},'cid':'m2'", NOT_FOUND);
    end();
}
END_TEST

START_TEST(lists_and_infos)
{
    begin();
    ask(member, "conv.info", "", OK "|'kind':'group'|'role':'member'");
    ask(nobody, "conv.info", "", NOT_FOUND);
    ask(member, "conv.members", "",
        OK "|'user':'u101','role':'owner'|'user':'u102','role':'admin'");
    ask(nobody, "conv.members", "", NOT_FOUND);
    say(member, "{'t':'conv.list','n':900}");
    expect(member, "'re':900|'convs':[|'title':'ops'|'more':false");
    say(member, "{'t':'user.find','n':901,'name':'user105'}");
    expect(member, "'re':901|'user':'u105'|'name':'user105'");
    say(member, "{'t':'user.find','n':902,'name':'nemo'}");
    expect(member, "'re':902|" NOT_FOUND);
    say(member, "{'t':'user.info','n':903,'users':['u101','u999']}");
    expect(member, "'re':903|'users':[{'user':'u101'");
    end();
}
END_TEST

START_TEST(devices_and_settings)
{
    begin();
    ck_assert_uint_eq(rig_device(rig, 103), 2);
    say(member, "{'t':'user.devices','n':900}");
    expect(member, "'re':900|'dev':'d1'|'own':true|'dev':'d2'");
    say(member, "{'t':'user.device','n':901,'dev':'d2','name':'desk'}");
    expect(member, "'re':901|'t':'ok'");
    expect(member, "'op':'device.name'");
    say(member, "{'t':'user.set','n':902,'display':'M','contact':'closed'}");
    expect(member, "'re':902|'t':'ok'");
    expect(member, "'op':'set'");
    say(member, "{'t':'user.set','n':903,'contact':'maybe'}");
    expect(member, "'re':903|'code':'bad_frame'");
    say(member, "{'t':'user.revoke','n':904,'dev':'d2'}");
    expect(member, "'re':904|'t':'ok'");
    say(member, "{'t':'user.revoke','n':905,'dev':'d2'}");
    expect(member, "'re':905|'code':'not_found'");
    say(member, "{'t':'user.export','n':906}");
    expect(member, "'re':906|'rows':[|'what':'user'");
    end();
}
END_TEST

START_TEST(deleted_account_leaves)
{
    begin();
    say(member, "{'t':'user.delete','n':900,'name':'wrong'}");
    expect(member, "'re':900|'code':'not_found'");
    say(member, "{'t':'user.delete','n':901,'name':'user103'}");
    expect(other, "'k':'member'|'op':'leave'|'u103'");
    rig_run(rig, 3000);
    ck_assert_int_eq(member->code, 4401);
    ck_assert_int_eq(rig_member(rig, conv, 103, 0).role, ROLE_NONE);
    end();
}
END_TEST

TALK_MAIN("conversation commands", creation_reaches_everybody,
          creation_is_idempotent, open_gives_the_same_from_both_sides,
          who_may_add, who_may_remove, who_may_set_roles, who_may_rename,
          last_owner_leaves_an_heir, direct_conversations_stay,
          nobody_writes_into_a_self, edit_delete_react,
          duplicates_come_before_checks, lists_and_infos, devices_and_settings,
          deleted_account_leaves)
