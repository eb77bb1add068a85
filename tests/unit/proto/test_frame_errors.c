/* What is refused: with which code, at which byte, for which request. */
#include "unit/proto/decode.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/error.h"
#include "unit/base/suite.h"

struct wrong {
    const char *text; /* ' for " */
    const char *code;
    const char *says; /* part of the text for a person, or NULL */
};

#define BF "bad_frame"
#define BT "bad_type"
#define TB "too_big"

#define SEND(members) "{'t':'send','n':7," members "}"
#define BODY ",'body':{'text':'x'}"

static const struct wrong from_client[] = {
    /* not an object, not JSON */
    {"", BF, "object"},
    {"[]", BF, "object"},
    {"'t'", BF, NULL},
    {"{", BF, "byte 1"},
    {"{}", BF, "first key"},
    {"{'t'", BF, "colon"},
    {"{'t':", BT, "string"},
    {"{'n':1,'t':'hb'}", BF, "first key"},
    {"{'\\u0074':'hb'}", BF, "first key"},
    {"{'t':5}", BT, "t: a string"},
    {"{'t':null}", BT, "t: a string"},
    {"{'t':'hb'", BF, "byte 9"},
    {"{'t':'hb'}x", BF, "byte 10"},
    {"{'t':'hb'}{'t':'hb'}", BF, "follows"},
    {"{'t':'hb',}", BF, "byte 10"},
    {"{'t':'hb','act':tru}", BF, "act"},
    {"{'t':'hb','x':[1,}", BF, "byte 17"},
    {"{'t':'hb',\n'act':true}", BF, "byte 10"},
    {"{'t':'hb',\r'act':true}", BF, "byte 10"},
    {"{'t':'hb','x':{'y':\n1}}", BF, NULL},
    {"{'t':'hb','act':true,'act':true}", BF, "twice"},
    {"{'t':'hb','t':'hb'}", BF, "twice"},
    {"{'t':'hb','\\u0074':'hb'}", BF, "twice"},
    {"{'t':'hb','\\u0061ct':true}", BF, "escapes"},
    {"{'t':'hb','x':1,'x':1}", BF, "twice"},
    {"{'t':'hb','x':1,'\\u0078':1}", BF, "twice"},
    {"{'t':'hb','x':{'a':1,'a':1}}", BF, "twice"},
    {"{'t':'hb','n':1,'n':1}", BF, "twice"},
    {"{'t':'hb','x':'\\ud800'}", BF, NULL},
    {"{'t':'hb','x':'\xff'}", BF, "UTF-8"},
    {"{'t':'hb','x':1e999}", BF, NULL},
    /* the kind */
    {"{'t':'nosuch','n':7}", "unknown_kind", NULL},
    {"{'t':'s\\u0065nd','n':7}", "unknown_kind", NULL},
    {"{'t':'ws.'}", "unknown_kind", NULL},
    {"{'t':'','x':{}}", "unknown_kind", NULL},
    {"{'t':'sent','n':7}", "bad_direction", "sent"},
    {"{'t':'entry','n':7,'conv':5}", "bad_direction", NULL},
    {"{'t':'welcome','n':7", BF, NULL},
    /* integers */
    {SEND("'conv':'c1','ttl':'12'" BODY), BT, "ttl: an integer"},
    {SEND("'conv':'c1','ttl':null" BODY), BT, "ttl: an integer"},
    {SEND("'conv':'c1','ttl':true" BODY), BT, "ttl"},
    {SEND("'conv':'c1','ttl':[1]" BODY), BT, "ttl"},
    {SEND("'conv':'c1','ttl':1.0" BODY), BT, "ttl"},
    {SEND("'conv':'c1','ttl':1e3" BODY), BT, "ttl"},
    {SEND("'conv':'c1','ttl':-1" BODY), BT, "ttl"},
    {SEND("'conv':'c1','ttl':-0" BODY), BT, "ttl"},
    {SEND("'conv':'c1','ttl':0" BODY), BT, "ttl"},
    {SEND("'conv':'c1','ttl':01" BODY), BF, "ttl"},
    {SEND("'conv':'c1','ttl':31622400001" BODY), TB, "ttl"},
    {SEND("'conv':'c1','ttl':9007199254740992" BODY), BT, "ttl"},
    {"{'t':'hb','n':0}", BT, "n: "},
    {"{'t':'hb','n':'1'}", BT, "n: "},
    {"{'t':'history','conv':'c1','limit':201,'n':7}", TB, "limit"},
    /* ids */
    {SEND("'conv':5" BODY), BT, "conv: a string"},
    {SEND("'conv':'5'" BODY), BT, "conv"},
    {SEND("'conv':'u5'" BODY), BT, "conv"},
    {SEND("'conv':'c05'" BODY), BT, "conv"},
    {SEND("'conv':'c+5'" BODY), BT, "conv"},
    {SEND("'conv':'c0'" BODY), BT, "conv"},
    {SEND("'conv':'\\u00635'" BODY), BT, "conv"},
    {SEND("'conv':'c9223372036854775808'" BODY), BT, "conv"},
    {"{'t':'user.revoke','dev':'d4294967296','n':7}", BT, "dev"},
    {"{'t':'user.revoke','dev':5,'n':7}", BT, "dev"},
    /* texts and words */
    {SEND("'conv':'c1','cid':''" BODY), BT, "cid"},
    {SEND("'conv':'c1','cid':'a b'" BODY), BT, "cid"},
    {SEND("'conv':'c1','cid':'a\\u0062'" BODY), BT, "cid"},
    {SEND("'conv':'c1','cid':'\xc3\xa9'" BODY), BT, "cid"},
    {SEND("'conv':'c1','cid':'\x7f'" BODY), BT, "cid"},
    {SEND("'conv':'c1','cid':5" BODY), BT, "cid: a string"},
    {"{'t':'user.find','name':'','n':7}", BT, "name"},
    {"{'t':'user.find','name':'\\u0061','n':7}", BT, "name"},
    {"{'t':'conv.rename','conv':'c1','title':'','n':7}", BT, "title"},
    {"{'t':'conv.role','conv':'c1','user':'u1','role':'none','n':7}", BT,
     "role"},
    {"{'t':'conv.role','conv':'c1','user':'u1','role':1,'n':7}", BT, "role"},
    {"{'t':'conv.open','user':'u1','mode':'secret','n':7}", BT, "mode"},
    {"{'t':'conv.create','title':'x','users':[],'kind':'x','n':7}", BT, "kind"},
    {"{'t':'typing','conv':'c1','on':1,'n':7}", BT, "on: true or false"},
    {"{'t':'typing','conv':'c1','on':'true','n':7}", BT, "on"},
    {"{'t':'typing','conv':'c1','on':null,'n':7}", BT, "on"},
    {"{'t':'react','conv':'c1','seq':1,'cid':'k','emoji':'','on':true,'n':7}",
     BT, "emoji"},
    /* bodies */
    {SEND("'conv':'c1','body':'x'"), BT, "body: an object"},
    {SEND("'conv':'c1','body':null"), BT, "body"},
    {SEND("'conv':'c1','body':[]"), BT, "body"},
    {SEND("'conv':'c1','body':{}"), BT, "exactly one"},
    {SEND("'conv':'c1','body':{'text':''}"), BT, "empty"},
    {SEND("'conv':'c1','body':{'text':5}"), BT, "string"},
    {SEND("'conv':'c1','body':{'media':'x'}"), BT, "media"},
    {SEND("'conv':'c1','body':{'enc':5}"), BT, "enc"},
    {SEND("'conv':'c1','body':{'text':'x','enc':'y'}"), BT, "exactly one"},
    {SEND("'conv':'c1','body':{'text':'x','media':{}}"), BT, "exactly one"},
    {SEND("'conv':'c1','body':{'text':'x','text':'y'}"), BF, "twice"},
    {SEND("'conv':'c1','body':{'text':'x','\\u0074ext':'y'}"), BF, "twice"},
    {SEND("'conv':'c1','body':{'text':'x','a':[1,{'b':1,'b':2}]}"), BF,
     "twice"},
    {"{'t':'edit','conv':'c1','seq':1,'body':{},'n':7}", BT, "exactly one"},
    /* lists */
    {"{'t':'ack','at':{},'n':7}", BT, "at: an array"},
    {"{'t':'ack','at':['c1'],'n':7}", BT, "at"},
    {"{'t':'ack','at':[[]],'n':7}", BT, "at"},
    {"{'t':'ack','at':[['c1']],'n':7}", BT, "at"},
    {"{'t':'ack','at':[['c1','2']],'n':7}", BT, "at"},
    {"{'t':'ack','at':[['c1',null]],'n':7}", BT, "at"},
    {"{'t':'ack','at':[['c1',1,2]],'n':7}", BT, "at"},
    {"{'t':'ack','at':[['u1',1]],'n':7}", BT, "at"},
    {"{'t':'ack','at':[[1,1]],'n':7}", BT, "at"},
    {"{'t':'ack','at':[['c1',1]", BF, NULL},
    {"{'t':'ack','at':[['c1'", BF, NULL},
    {"{'t':'view','convs':['u1'],'n':7}", BT, "convs"},
    {"{'t':'view','users':['u1',2],'n':7}", BT, "users"},
    {"{'t':'view','users':'u1','n':7}", BT, "users: an array"},
    {"{'t':'view','users':['u1'", BF, NULL},
    /* hello */
    {"{'t':'hello','ver':1,'n':7}", BT, "ver"},
    {"{'t':'hello','ver':['1'],'n':7}", BT, "ver"},
    {"{'t':'hello','ver':[1", BF, NULL},
    {"{'t':'hello','ver':[1],'win':5,'n':7}", BT, "win"},
    {"{'t':'hello','ver':[1],'win':{'entries':'5'},'n':7}", BT, "entries"},
    {"{'t':'hello','ver':[1],'win':{'bytes':0},'n':7}", BT, "bytes"},
    {"{'t':'hello','ver':[1],'win':{'bytes':1,'bytes':1},'n':7}", BF, "twice"},
    {"{'t':'hello','last_seen':[],'n':7}", BT, "last_seen"},
    {"{'t':'hello','last_seen':{'u1':1},'n':7}", BT, "last_seen"},
    {"{'t':'hello','last_seen':{'c1':'1'},'n':7}", BT, "last_seen"},
    {"{'t':'hello','last_seen':{'c1':1,'c2':2,'c1':1},'n':7}", BF, "twice"},
    {"{'t':'hello','last_seen':{'c1':1", BF, NULL},
    {"{'t':'hello','token':5,'n':7}", BT, "token"},
    /* missing */
    {SEND("'conv':'c1'"), BT, "body is missing"},
    {SEND("'body':{'text':'x'}"), BT, "conv is missing"},
    {"{'t':'ack','n':7}", BT, "at is missing"},
    {"{'t':'react','conv':'c1','seq':1,'emoji':'x','n':7}", BT, "on is"},
    {"{'t':'user.find','n':7}", BT, "name is missing"},
};

static const struct wrong from_server[] = {
    {"{'t':'send','re':1}", "bad_direction", NULL},
    {"{'t':'later','re':1,'x':[]}", "unknown_kind", NULL},
    {"{'t':'sent','conv':'c1','seq':1,'id':5}", BT, "id"},
    {"{'t':'sent','conv':'c1','seq':1,'id':'05'}", BT, "id"},
    {"{'t':'sent','conv':'c1','seq':0,'id':'5'}", BT, "seq"},
    {"{'t':'welcome','limits':[]}", BT, "limits: an object"},
    {"{'t':'presence','at':[['u1','on']]}", BT, "at"},
    {"{'t':'presence','at':[['u1']]}", BT, "at"},
    {"{'t':'presence','at':[[]]}", BT, "at"},
    {"{'t':'presence','at':[['u1','busy',1]]}", BT, "at"},
    {"{'t':'presence','at':[['u1','on','1']]}", BT, "at"},
    {"{'t':'presence','at':[['u1','on',1,1]]}", BT, "at"},
    {"{'t':'presence','at':[['u1',1,1]]}", BT, "at"},
    {"{'t':'err','code':'rate','retry':[5]}", BT, "retry"},
    {"{'t':'err','code':'rate','retry':[]}", BT, "retry"},
    {"{'t':'err','code':'rate','retry':[6,5]}", BT, "retry"},
    {"{'t':'err','code':'rate','retry':[5,6,7]}", BT, "retry"},
    {"{'t':'err','code':'rate','retry':['5',6]}", BT, "retry"},
    {"{'t':'err','code':'rate','retry':'5'}", BT, "retry"},
    {"{'t':'err','code':5}", BT, "code"},
    {"{'t':'bye','code':'x'}", BT, "code"},
    {"{'t':'batch','conv':'c1','entries':[1]}", BT, "entries"},
    {"{'t':'batch','conv':'c1','entries':{}}", BT, "entries"},
    {"{'t':'batch','conv':'c1','entries':[{}]}", BT, "seq is missing"},
    {"{'t':'batch','conv':'c1','entries':[{'seq':'1'}]}", BT, "seq"},
    {"{'t':'batch','conv':'c1','entries':[{'seq':1,'seq':1}]}", BF, "twice"},
    {"{'t':'batch','conv':'c1','entries':[{'re':1,'re':1}]}", BF, "twice"},
    {"{'t':'batch','conv':'c1','entries':[{'seq':1", BF, NULL},
    {"{'t':'batch','conv':'c1','entries':[[", BT, NULL},
    {"{'t':'entry','conv':'c1','k':5}", BT, "k"},
    {"{'t':'synced','more':[['c1']]}", BT, "more"},
};

static void check(const struct wrong *w, enum frame_side side)
{
    struct frame f;
    int rc = decode_as(&f, side, w->text, false);

    ck_assert_msg(rc < 0, "accepted: %s", w->text);
    ck_assert_msg(rc == (strcmp(w->code, TB) == 0 ? -CF_TOO_BIG : -CF_INVALID),
                  "%s: %d", w->text, rc);
    ck_assert_msg(strcmp(decode_error.code, w->code) == 0, "%s: %s: %s",
                  w->text, decode_error.code, decode_error.text);
    ck_assert_msg(w->says == NULL || strstr(decode_error.text, w->says) != NULL,
                  "%s: %s", w->text, decode_error.text);
    /* Valid JSON with a number: the answer names it, wherever it stands. */
    if (strstr(w->text, "'n':7") != NULL && strcmp(w->code, BF) != 0)
        ck_assert_msg(decode_error.n == 7, "%s: n %d", w->text,
                      (int)decode_error.n);
}

START_TEST(refused_from_a_client)
{
    for (size_t i = 0; i < sizeof(from_client) / sizeof(from_client[0]); i++)
        check(&from_client[i], FROM_CLIENT);
}
END_TEST

START_TEST(refused_from_a_server)
{
    for (size_t i = 0; i < sizeof(from_server) / sizeof(from_server[0]); i++)
        check(&from_server[i], FROM_SERVER);
}
END_TEST

START_TEST(strict_refuses_unknown_members)
{
    static const char unknown[] = "{'t':'hb','act':true,'x':1,'n':7}";
    struct frame f;

    ck_assert_int_eq(decode_as(&f, FROM_CLIENT, unknown, false), 0);
    ck_assert(f.act && f.n == 7);
    ck_assert_int_eq(decode_as(&f, FROM_CLIENT, unknown, true), -CF_INVALID);
    ck_assert_str_eq(decode_error.code, BF);
    ck_assert_ptr_nonnull(strstr(decode_error.text, "'x'"));
    ck_assert_int_eq(decode_error.n, 7);
    ck_assert_int_eq(decode_as(&f, FROM_CLIENT, "{'t':'nosuch','x':1}", true),
                     -CF_INVALID);
    ck_assert_str_eq(decode_error.code, "unknown_kind");
    ck_assert_int_eq(decode_as(&f, FROM_CLIENT, "{'t':'ok','x':1}", true),
                     -CF_INVALID);
    ck_assert_str_eq(decode_error.code, "bad_direction");
}
END_TEST

START_TEST(errors_show_no_more_of_an_unknown_name_than_fits)
{
    static char text[600];
    struct frame f;

    memset(text, 'k', sizeof(text) - 1);
    memcpy(text, "{'t':'hb','", 11);
    memcpy(text + sizeof(text) - 5, "':1}", 5);
    ck_assert_int_eq(decode_as(&f, FROM_CLIENT, text, true), -CF_INVALID);
    ck_assert_uint_lt(strlen(decode_error.text), sizeof(decode_error.text));
}
END_TEST

/* ---- exactly the bound, and one more ---- */

static char *big; /* made by make() */

/* before, n times fill, after */
static struct span make(const char *before, size_t n, const char *after)
{
    size_t a = strlen(before), b = strlen(after);

    free(big);
    big = malloc(a + n + b);
    memcpy(big, before, a);
    memset(big + a, 'x', n);
    memcpy(big + a + n, after, b);
    for (size_t i = 0; i < a + n + b; i++)
        big[i] = big[i] == '\'' ? '"' : big[i];
    return span_make(big, a + n + b);
}

static void bound(enum frame_side side, const char *before, size_t most,
                  const char *after)
{
    struct frame f;

    ck_assert_msg(decode_span(&f, side, make(before, most, after), true) == 0,
                  "%s: %s", before, decode_error.text);
    ck_assert_int_eq(decode_span(&f, side, make(before, most + 1, after), true),
                     -CF_TOO_BIG);
    ck_assert_str_eq(decode_error.code, TB);
    free(big);
    big = NULL;
}

START_TEST(text_bounds)
{
    bound(FROM_CLIENT, "{'t':'send','conv':'c1','body':{'text':'x'},'cid':'",
          LIMIT_CID, "'}");
    bound(FROM_CLIENT, "{'t':'hello','token':'", LIMIT_TOKEN, "'}");
    bound(FROM_CLIENT, "{'t':'hello','ua':'", LIMIT_UA, "'}");
    bound(FROM_CLIENT, "{'t':'user.find','name':'", LIMIT_NAME, "'}");
    bound(FROM_CLIENT, "{'t':'user.set','display':'", LIMIT_DISPLAY, "'}");
    bound(FROM_CLIENT, "{'t':'user.device','dev':'d1','name':'",
          LIMIT_DEVICE_NAME, "'}");
    bound(FROM_CLIENT, "{'t':'conv.rename','conv':'c1','title':'", LIMIT_TITLE,
          "'}");
    bound(FROM_CLIENT, "{'t':'react','conv':'c1','seq':1,'on':true,'emoji':'",
          LIMIT_EMOJI, "'}");
}
END_TEST

/* A bound counts what the escapes stand for. */
START_TEST(escapes_count_as_what_they_mean)
{
    static const char before[] = "{'t':'conv.rename','conv':'c1','title':'";

    bound(FROM_CLIENT, before, LIMIT_TITLE - 1, "\\u0041'}");
    bound(FROM_CLIENT, before, LIMIT_TITLE - 4, "\\ud83d\\ude00'}");
    bound(FROM_CLIENT, before, LIMIT_TITLE - 1, "\\n'}");
}
END_TEST

START_TEST(body_and_object_bounds)
{
    static const char text[] = "{'t':'send','conv':'c1','body':{'text':'";
    static const char enc[] = "{'t':'send','conv':'c1','body':{'enc':'";
    static const char pad[] = "{'t':'send','conv':'c1','body':{'text':'x'},"
                              "'pad':'";
    struct frame f;

    bound(FROM_CLIENT, text, LIMIT_BODY - strlen("{'text':''}"), "'}}");
    bound(FROM_CLIENT, enc, LIMIT_OBJECT_ENC - strlen(enc) - 3, "'}}");
    ck_assert_int_eq(
        decode_span(&f, FROM_CLIENT,
                    make(pad, LIMIT_OBJECT - strlen(pad) - 2, "'}"), false),
        0);
    ck_assert_int_eq(
        decode_span(&f, FROM_CLIENT,
                    make(pad, LIMIT_OBJECT - strlen(pad) - 1, "'}"), false),
        -CF_TOO_BIG);
    ck_assert_int_eq(frame_decode(&f, SPAN("{\"t\":\"hb\"}"), FROM_CLIENT, 9,
                                  false, &decode_error),
                     -CF_TOO_BIG);
    ck_assert_int_eq(frame_decode(&f, SPAN("{\"t\":\"hb\"}"), FROM_CLIENT, 10,
                                  false, &decode_error),
                     0);
    free(big);
    big = NULL;
}
END_TEST

/* item with number for each # */
static void append_item(struct buf *b, const char *item, int number)
{
    for (; *item != 0; item++) {
        if (*item == '#')
            buf_append_u64(b, (uint64_t)number);
        else
            buf_append_byte(b, *item);
    }
}

/* before, count times item with commas, after */
static int decode_items(const char *before, const char *item, int count,
                        const char *after)
{
    struct frame f;
    struct buf b;
    int rc;

    buf_init(&b, sizeof(decode_text) - 1);
    buf_append_text(&b, before);
    for (int i = 0; i < count; i++) {
        buf_append_text(&b, i > 0 ? "," : "");
        append_item(&b, item, i + 1);
    }
    buf_append_text(&b, after);
    rc = decode_as(&f, FROM_CLIENT, buf_cstr(&b), false);
    buf_release(&b);
    return rc;
}

static void count_bound(const char *before, const char *item, int most,
                        const char *after)
{
    ck_assert_msg(decode_items(before, item, most, after) == 0, "%s",
                  decode_error.text);
    ck_assert_int_eq(decode_items(before, item, most + 1, after), -CF_TOO_BIG);
    ck_assert_str_eq(decode_error.code, TB);
}

START_TEST(count_bounds)
{
    static const char mention[] =
        "{'t':'send','conv':'c1','body':{'text':'x'},'mention':[";

    count_bound(mention, "'u#'", LIMIT_MENTIONS, "]}");
    count_bound("{'t':'ack','at':[", "['c#',#]", LIMIT_MARKS, "]}");
    count_bound("{'t':'view','convs':[", "'c#'", LIMIT_VIEW, "]}");
    count_bound("{'t':'view','users':[", "'u#'", LIMIT_VIEW, "]}");
    count_bound("{'t':'user.info','users':[", "'u#'", LIMIT_USERS, "]}");
    count_bound("{'t':'fence','convs':[", "'c#'", LIMIT_FENCE, "]}");
    count_bound("{'t':'hello','last_seen':{", "'c#':#", LIMIT_LAST_SEEN, "}}");
    count_bound("{'t':'hello','ver':[", "#", 16, "]}");
    ck_assert_int_eq(decode_items(mention, "'u#'", 10000, "]}"), -CF_TOO_BIG);
}
END_TEST

START_TEST(hostile_nesting)
{
    static char brackets[LIMIT_OBJECT];
    struct frame f;

    memset(brackets, '[', sizeof(brackets));
    ck_assert_int_eq(decode_span(&f, FROM_CLIENT,
                                 span_make(brackets, sizeof(brackets)), false),
                     -CF_INVALID);
    memcpy(brackets, "{\"t\":\"hb\",\"x\":", 14);
    ck_assert_int_eq(decode_span(&f, FROM_CLIENT,
                                 span_make(brackets, sizeof(brackets)), false),
                     -CF_TOO_BIG);
    ck_assert_str_eq(decode_error.code, TB);
    ck_assert_int_eq(decode_items("{'t':'hb','x':[", "{}", 3000, "]}"),
                     -CF_TOO_BIG);
}
END_TEST

SUITE("frame errors", refused_from_a_client, refused_from_a_server,
      strict_refuses_unknown_members,
      errors_show_no_more_of_an_unknown_name_than_fits, text_bounds,
      escapes_count_as_what_they_mean, body_and_object_bounds, count_bounds,
      hostile_nesting)
