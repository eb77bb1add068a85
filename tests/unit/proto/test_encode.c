/* What is written, byte by byte, and that the decoder reads it back. */
#include "proto/encode.h"

#include "base/error.h"
#include "unit/base/suite.h"
#include "unit/proto/decode.h"

static struct buf out;

static void setup(void)
{
    buf_init(&out, LIMIT_ENTRY_WIRE);
}

/* out holds just this frame, which decodes; then it is empty again. */
static void wrote(int rc, enum frame_side side, const char *want)
{
    static struct frame f;

    ck_assert_int_eq(rc, 0);
    ck_assert_msg(quoted_is(buf_span(&out), want), "%.*s", (int)out.len,
                  out.data);
    ck_assert_msg(decode_span(&f, side, buf_span(&out), true) == 0, "%s: %s",
                  want, decode_error.text);
    buf_release(&out);
}

START_TEST(welcome)
{
    struct welcome w = {.user = 2,
                        .dev = 7,
                        .node = 3,
                        .store = "s1",
                        .lease = 5,
                        .now = 1764000000000,
                        .durability = "fsync",
                        .live_members = 512};

    setup();
    wrote(enc_welcome(&out, 1, &w), FROM_SERVER,
          "{'t':'welcome','re':1,'user':'u2','dev':'d7','node':3,'store':'s1',"
          "'lease':5,'hb':30000,'ttl':45000,'limits':{'object':65536,"
          "'frame':262144,'objects':64,'depth':8,'body':49152,'mentions':64,"
          "'view':200,'history':200,'backlog':1000,'live_members':512,"
          "'win_entries':256,'win_bytes':262144,'sends':20,'sends_burst':60,"
          "'control':10,'control_burst':40},'durability':'fsync',"
          "'now':1764000000000}");
}
END_TEST

START_TEST(answers)
{
    setup();
    wrote(enc_hb(&out, 4, 99), FROM_SERVER, "{'t':'hb','re':4,'now':99}");
    wrote(enc_hb(&out, 0, 99), FROM_SERVER, "{'t':'hb','now':99}");
    wrote(enc_sent(&out, 2, 5, SPAN("ci-4711"), 77, 730144, 1764, false),
          FROM_SERVER,
          "{'t':'sent','re':2,'conv':'c5','cid':'ci-4711','seq':77,"
          "'id':'730144','ts':1764}");
    wrote(enc_sent(&out, 2, 5, (struct span){0}, 77, 730144, 1764, true),
          FROM_SERVER,
          "{'t':'sent','re':2,'conv':'c5','seq':77,'id':'730144','ts':1764,"
          "'dup':true}");
    wrote(enc_ok(&out, 3, (struct span){0}), FROM_SERVER, "{'t':'ok','re':3}");
    wrote(enc_ok(&out, 0, SPAN("\"conv\":\"c5\"")), FROM_SERVER,
          "{'t':'ok','conv':'c5'}");
    wrote(enc_err(&out, 7, "rate", 1200, 0, "slow \"down\"\n"), FROM_SERVER,
          "{'t':'err','re':7,'code':'rate','temp':true,'retry':1200,"
          "'msg':'slow \\'down\\'\\n'}");
    wrote(enc_err(&out, 7, "cid_conflict", 0, 9, NULL), FROM_SERVER,
          "{'t':'err','re':7,'code':'cid_conflict','temp':false,'seq':9}");
    wrote(enc_bye(&out, 4000, 500, 60000, "drain"), FROM_SERVER,
          "{'t':'bye','code':4000,'retry':[500,60000],'msg':'drain'}");
    wrote(enc_bye(&out, 4409, 0, 0, NULL), FROM_SERVER,
          "{'t':'bye','code':4409}");
}
END_TEST

static const struct entry full = {
    .conv = 5,
    .seq = 8,
    .id = 99,
    .ts = 6,
    .kind = ENTRY_EDIT,
    .from = 1,
    .dev = 2,
    .of = 7,
    .thread = 3,
    .reply = 4,
    .expires = 9,
    .trace = true,
    .cid = {"k", 1},
    .body = {"{\"text\":\"x\"}", 12},
    .mention = {"[\"u4\"]", 6},
};

START_TEST(entries)
{
    struct entry blank = full;

    setup();
    wrote(enc_entry(&out, &full, true), FROM_SERVER,
          "{'t':'entry','conv':'c5','seq':8,'id':'99','k':'edit','from':'u1',"
          "'dev':'d2','ts':6,'of':7,'thread':3,'reply':4,'expires':9,"
          "'cid':'k','trace':true,'mention':['u4'],'body':{'text':'x'}}");
    blank = (struct entry){.conv = 5,
                           .seq = 8,
                           .id = 99,
                           .kind = ENTRY_MSG,
                           .deleted = true,
                           .cid = full.cid,
                           .from = 1,
                           .body = full.body};
    wrote(enc_entry(&out, &blank, false), FROM_SERVER,
          "{'t':'entry','conv':'c5','seq':8,'id':'99','k':'msg','from':'u1',"
          "'ts':0,'deleted':true}");
    blank.from = 0; /* the server itself */
    wrote(enc_entry(&out, &blank, false), FROM_SERVER,
          "{'t':'entry','conv':'c5','seq':8,'id':'99','k':'msg','ts':0,"
          "'deleted':true}");
}
END_TEST

START_TEST(batches)
{
    struct frame f;
    struct entry e;
    int count = 0;

    setup();
    ck_assert_int_eq(enc_batch_open(&out, 3, 5), 0);
    ck_assert_int_eq(enc_entry_bare(&out, &full, true), 0);
    ck_assert_int_eq(buf_append_byte(&out, ','), 0);
    ck_assert_int_eq(enc_entry_bare(&out, &full, false), 0);
    ck_assert_int_eq(enc_batch_close(&out, 8, 9, 10, true), 0);
    ck_assert_int_eq(decode_span(&f, FROM_SERVER, buf_span(&out), true), 0);
    ck_assert(f.re == 3 && f.conv == 5 && f.from_seq == 8 && f.to == 9);
    ck_assert(f.head == 10 && f.more);
    for (; frame_next_entry(&f.entries, f.conv, &e); count++) {
        ck_assert(e.conv == 5 && e.seq == 8 && e.id == 99 && e.of == 7);
        ck_assert(span_eq(e.body, full.body) && e.expires == 9 && e.trace);
        ck_assert_int_eq(e.cid.p != NULL, count == 0);
    }
    ck_assert_int_eq(count, 2);
    buf_release(&out);
    wrote(enc_batch_open(&out, 0, 5) | enc_batch_close(&out, 0, 0, 0, false),
          FROM_SERVER,
          "{'t':'batch','conv':'c5','entries':[],'from':0,'to':0,'head':0,"
          "'more':false}");
}
END_TEST

START_TEST(pushes)
{
    struct mark marks[] = {{1, 2000}, {INT64_MAX, LIMIT_SEQ}};
    struct presence_row rows[] = {{3, PRESENCE_ON, 17}, {4, PRESENCE_OFF, 0}};

    setup();
    wrote(enc_synced(&out, NULL, 0), FROM_SERVER, "{'t':'synced'}");
    wrote(enc_synced(&out, marks, 2), FROM_SERVER,
          "{'t':'synced','more':[['c1',2000],"
          "['c9223372036854775807',9007199254740991]]}");
    wrote(enc_gap(&out, 5, 1, 9, "deferred"), FROM_SERVER,
          "{'t':'gap','conv':'c5','from':1,'to':9,'why':'deferred'}");
    wrote(enc_receipt(&out, 5, 3, 77, 0), FROM_SERVER,
          "{'t':'receipt','conv':'c5','user':'u3','delivered':77,'read':0}");
    wrote(enc_receipt_counts(&out, 5, 77, 2, 1), FROM_SERVER,
          "{'t':'receipt','conv':'c5','seq':77,'delivered_n':2,'read_n':1}");
    wrote(enc_presence(&out, 4, rows, 2), FROM_SERVER,
          "{'t':'presence','re':4,'at':[['u3','on',17],['u4','off',0]]}");
    wrote(enc_presence(&out, 0, rows, 0), FROM_SERVER,
          "{'t':'presence','at':[]}");
    wrote(enc_head(&out, 5, 77, 1), FROM_SERVER,
          "{'t':'head','conv':'c5','seq':77,'mentions':1}");
    wrote(enc_typing_push(&out, 5, 3, true), FROM_SERVER,
          "{'t':'typing','conv':'c5','user':'u3','on':true}");
}
END_TEST

START_TEST(hello)
{
    struct mark seen[] = {{5, 74}, {6, 0}};
    struct hello h = {.dev = 7,
                      .token = "abc",
                      .ua = "confab",
                      .win_entries = 256,
                      .win_bytes = 262144,
                      .last_seen = seen,
                      .last_seen_count = 2,
                      .strict = true};
    struct hello least = {.token = "abc"};

    setup();
    wrote(enc_hello(&out, 1, &h), FROM_CLIENT,
          "{'t':'hello','n':1,'ver':[1],'dev':'d7','token':'abc',"
          "'ua':'confab','win':{'entries':256,'bytes':262144},"
          "'last_seen':{'c5':74,'c6':0},'strict':true}");
    wrote(enc_hello(&out, 0, &least), FROM_CLIENT,
          "{'t':'hello','ver':[1],'token':'abc'}");
}
END_TEST

START_TEST(messages)
{
    struct send s = {.conv = 5,
                     .cid = SPAN("k"),
                     .body = SPAN("{\"text\":\"x\"}"),
                     .thread = 3,
                     .reply = 4,
                     .mention = SPAN("[\"u4\"]"),
                     .ttl = 1000};

    setup();
    wrote(enc_send(&out, 2, &s), FROM_CLIENT,
          "{'t':'send','n':2,'conv':'c5','cid':'k','thread':3,'reply':4,"
          "'ttl':1000,'mention':['u4'],'body':{'text':'x'}}");
    wrote(enc_edit(&out, 2, 5, 8, SPAN("k"), s.body), FROM_CLIENT,
          "{'t':'edit','n':2,'conv':'c5','seq':8,'cid':'k',"
          "'body':{'text':'x'}}");
    wrote(enc_delete(&out, 2, 5, 8, SPAN("k")), FROM_CLIENT,
          "{'t':'delete','n':2,'conv':'c5','seq':8,'cid':'k'}");
    wrote(enc_react(&out, 2, 5, 8, SPAN("k"), SPAN("\xe2\x9d\xa4"), false),
          FROM_CLIENT,
          "{'t':'react','n':2,'conv':'c5','seq':8,'cid':'k',"
          "'emoji':'\xe2\x9d\xa4','on':false}");
}
END_TEST

START_TEST(requests)
{
    struct mark marks[] = {{5, 76}, {6, 1}};
    uint64_t ids[] = {1, 2};

    setup();
    wrote(enc_hb_act(&out, 0, true), FROM_CLIENT, "{'t':'hb','act':true}");
    wrote(enc_ack(&out, marks, 2), FROM_CLIENT,
          "{'t':'ack','at':[['c5',76],['c6',1]]}");
    wrote(enc_read(&out, marks, 1), FROM_CLIENT,
          "{'t':'read','at':[['c5',76]]}");
    wrote(enc_typing(&out, 5, false), FROM_CLIENT,
          "{'t':'typing','conv':'c5','on':false}");
    wrote(enc_view(&out, 3, ids, 2, ids, 0), FROM_CLIENT,
          "{'t':'view','n':3,'convs':['c1','c2'],'users':[]}");
    wrote(enc_history(&out, 4, 5, 0, 0, 50, 2), FROM_CLIENT,
          "{'t':'history','n':4,'conv':'c5','after':0,'limit':50,'thread':2}");
    wrote(enc_history(&out, 4, 5, 9, -1, 0, 0), FROM_CLIENT,
          "{'t':'history','n':4,'conv':'c5','before':9}");
    wrote(enc_history(&out, 4, 5, 0, -1, 0, 0), FROM_CLIENT,
          "{'t':'history','n':4,'conv':'c5'}");
    wrote(enc_fence(&out, 6, NULL, 0), FROM_CLIENT, "{'t':'fence','n':6}");
    wrote(enc_fence(&out, 6, ids, 1), FROM_CLIENT,
          "{'t':'fence','n':6,'convs':['c1']}");
    wrote(enc_request(&out, 8, FRAME_USER_FIND, SPAN("\"name\":\"bob\"")),
          FROM_CLIENT, "{'t':'user.find','n':8,'name':'bob'}");
    wrote(enc_request(&out, 8, FRAME_BYE, (struct span){0}), FROM_CLIENT,
          "{'t':'bye','n':8}");
}
END_TEST

START_TEST(members_put_their_commas)
{
    setup();
    ck_assert_int_eq(enc_member_text(&out, "a", SPAN("x")), 0);
    ck_assert_int_eq(enc_member_id(&out, "b", 'u', 5), 0);
    ck_assert_int_eq(enc_member_int(&out, "c", INT64_MIN), 0);
    ck_assert_int_eq(enc_member_bool(&out, "d", false), 0);
    ck_assert_int_eq(enc_member_raw(&out, "e", SPAN("{")), 0);
    ck_assert_int_eq(enc_member_id(&out, "f", 0, 6), 0);
    ck_assert(quoted_is(buf_span(&out),
                        "'a':'x','b':'u5','c':-9223372036854775808,'d':false,"
                        "'e':{'f':'6'"));
    buf_release(&out);
}
END_TEST

START_TEST(text_is_escaped)
{
    static const struct span in = SPAN("q\" b\\ /\b\t\n\f\r\x01\x1f\x7f\0"
                                       "\xc3\xa9\xff\xe2\x82 \xed\xa0\x80"
                                       "\xf0\x9f\x98\x80");

    setup();
    ck_assert_int_eq(enc_member_text(&out, "a", in), 0);
    ck_assert_msg(
        span_is(buf_span(&out),
                "\"a\":\"q\\\" b\\\\ /\\b\\t\\n\\f\\r\\u0001\\u001f\x7f"
                "\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd "
                "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xf0\x9f\x98\x80\""),
        "%.*s", (int)out.len, out.data);
    buf_release(&out);
}
END_TEST

/* Whatever room there is: all of it or nothing, and no byte too early. */
START_TEST(too_small_appends_nothing)
{
    struct buf whole;

    buf_init(&whole, 1000);
    ck_assert_int_eq(enc_entry(&whole, &full, true), 0);
    for (size_t max = 2; max <= whole.len + 4; max++) {
        buf_init(&out, max);
        buf_append_text(&out, "ab");
        if (max < whole.len + 2) {
            ck_assert_int_eq(enc_entry(&out, &full, true), -CF_TOO_BIG);
            ck_assert(span_is(buf_span(&out), "ab"));
        } else {
            ck_assert_int_eq(enc_entry(&out, &full, true), 0);
            ck_assert_uint_eq(out.len, whole.len + 2);
        }
        buf_release(&out);
    }
    buf_release(&whole);
}
END_TEST

START_TEST(codes)
{
    ck_assert(err_is_temporary("busy") && err_is_temporary("store_full"));
    ck_assert(err_is_temporary("stale_devices") && err_is_temporary("rate"));
    ck_assert(!err_is_temporary("auth") && !err_is_temporary("bus"));
    ck_assert(!err_is_temporary("cid_conflict") && !err_is_temporary(""));
    for (int cf = 0; cf < CF_CODES; cf++)
        ck_assert_ptr_nonnull(err_code_of(-cf));
    ck_assert_str_eq(err_code_of(-CF_NOT_FOUND), "not_found");
    ck_assert_str_eq(err_code_of(CF_CONFLICT), "cid_conflict");
    ck_assert_str_eq(err_code_of(-CF_CODES), "unavailable");
}
END_TEST

SUITE("encode", welcome, answers, entries, batches, pushes, hello, messages,
      requests, members_put_their_commas, text_is_escaped,
      too_small_appends_nothing, codes)
