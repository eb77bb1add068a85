#include "proto/frame_table.h"

#include "base/mem.h"
#include "proto/limits.h"

enum { OPTIONAL, REQUIRED };

#define ROW(name, type, m, field, need, min, max)          \
    {                                                      \
        name, sizeof(name) - 1, VALUE_##type, M_##m, need, \
            offsetof(struct frame, field), min, max        \
    }

/* Members that mean the same wherever they appear. */
#define CONV(need) ROW("conv", CONV, CONV, conv, need, 0, 0)
#define USER(need) ROW("user", USER, USER, user, need, 0, 0)
#define DEV(need) ROW("dev", DEV, DEV, dev, need, 0, 0)
#define SEQ(need) ROW("seq", INT, SEQ, seq, need, 1, LIMIT_SEQ)
#define CID(need) ROW("cid", CID, CID, cid, need, 1, LIMIT_CID)
#define ON(need) ROW("on", BOOL, ON, on, need, 0, 0)
#define AT(need) ROW("at", MARKS, AT, at, need, 0, LIMIT_MARKS)
#define USERS(need) ROW("users", USERS, USERS, users, need, 0, LIMIT_USERS)
#define LIMIT(max) ROW("limit", INT, LIMIT, limit, OPTIONAL, 1, max)
#define NAME(max) ROW("name", PLAIN, NAME, name, REQUIRED, 1, max)
#define TITLE(need) ROW("title", TEXT, TITLE, title, need, 1, LIMIT_TITLE)
#define MODE ROW("mode", CONV_MODE, MODE, mode, OPTIONAL, 0, 0)
#define THREAD ROW("thread", INT, THREAD, thread, OPTIONAL, 1, LIMIT_SEQ)
#define REPLY ROW("reply", INT, REPLY, reply, OPTIONAL, 1, LIMIT_SEQ)
#define MENTION \
    ROW("mention", USERS, MENTION, mention, OPTIONAL, 0, LIMIT_MENTIONS)
#define TRACE ROW("trace", BOOL, TRACE, trace, OPTIONAL, 0, 0)
#define TIME(name, m, field, need) ROW(name, INT, m, field, need, 0, LIMIT_SEQ)
#define COUNT(name, m, field, need) ROW(name, INT, m, field, need, 0, LIMIT_SEQ)
#define WHY(need) ROW("why", PLAIN, WHY, why, need, 1, 128)

#define ROWS(...)                                              \
    {                                                          \
        (const struct row[]){__VA_ARGS__},                     \
            (int)COUNT_OF(((const struct row[]){__VA_ARGS__})) \
    }

/* A kind without members of its own. */
#define NOTHING                      \
    {                                \
        (const struct row[]){{0}}, 0 \
    }

#define HELLO                                                         \
    ROWS(ROW("ver", VER, VER, v1, OPTIONAL, 0, 16), DEV(OPTIONAL),    \
         ROW("token", PLAIN, TOKEN, token, OPTIONAL, 1, LIMIT_TOKEN), \
         ROW("ua", TEXT, UA, ua, OPTIONAL, 0, LIMIT_UA),              \
         ROW("win", WIN, WIN, win_entries, OPTIONAL, 0, 0),           \
         ROW("last_seen", SEEN, LAST_SEEN, last_seen, OPTIONAL, 0,    \
             LIMIT_LAST_SEEN),                                        \
         ROW("strict", BOOL, STRICT, strict, OPTIONAL, 0, 0))

#define SEND                                                                   \
    ROWS(CONV(REQUIRED), CID(OPTIONAL),                                        \
         ROW("body", BODY, BODY, body, REQUIRED, 0, LIMIT_BODY), THREAD,       \
         REPLY, MENTION, ROW("ttl", INT, TTL, ttl, OPTIONAL, 1, LIMIT_TTL_MS), \
         TRACE)

#define VIEW                                                         \
    ROWS(ROW("convs", CONVS, CONVS, convs, OPTIONAL, 0, LIMIT_VIEW), \
         ROW("users", USERS, USERS, users, OPTIONAL, 0, LIMIT_VIEW))

#define HISTORY                                                      \
    ROWS(CONV(REQUIRED),                                             \
         ROW("before", INT, BEFORE, before, OPTIONAL, 1, LIMIT_SEQ), \
         COUNT("after", AFTER, after, OPTIONAL), LIMIT(LIMIT_HISTORY), THREAD)

#define CONV_CREATE                                                  \
    ROWS(TITLE(OPTIONAL), USERS(OPTIONAL),                           \
         ROW("kind", CONV_KIND, CKIND, ckind, OPTIONAL, 0, 0), MODE, \
         CID(OPTIONAL))

#define CONV_ROLE                        \
    ROWS(CONV(REQUIRED), USER(REQUIRED), \
         ROW("role", ROLE, ROLE, role, REQUIRED, 0, 0), CID(OPTIONAL))

#define USER_SET                                                             \
    ROWS(ROW("display", TEXT, DISPLAY, display, OPTIONAL, 0, LIMIT_DISPLAY), \
         ROW("contact", PLAIN, CONTACT, contact, OPTIONAL, 1, 16))

#define USER_EXPORT                                             \
    ROWS(ROW("after", PLAIN, CURSOR, cursor, OPTIONAL, 1, 256), \
         LIMIT(LIMIT_LIST))

#define WELCOME                                                              \
    ROWS(USER(REQUIRED), DEV(REQUIRED), COUNT("node", NODE, node, REQUIRED), \
         ROW("store", PLAIN, STORE, store, REQUIRED, 1, 64),                 \
         COUNT("lease", LEASE, lease, OPTIONAL),                             \
         COUNT("hb", HB, hb, REQUIRED), COUNT("ttl", PTTL, pttl, REQUIRED),  \
         ROW("limits", OBJECT, LIMITS, limits, OPTIONAL, 0, 4096),           \
         ROW("durability", PLAIN, DURABILITY, durability, OPTIONAL, 1, 16),  \
         TIME("now", NOW, now, REQUIRED))

#define SENT                                                                  \
    ROWS(CONV(REQUIRED), CID(OPTIONAL), SEQ(REQUIRED),                        \
         ROW("id", ID, ID, id, REQUIRED, 0, 0), TIME("ts", TS, ts, OPTIONAL), \
         ROW("dup", BOOL, DUP, dup, OPTIONAL, 0, 0))

/* An entry, alone or in a batch, from `seq` on. */
#define ENTRY_ROWS                                                           \
    SEQ(REQUIRED), ROW("id", ID, ID, id, REQUIRED, 0, 0),                    \
        ROW("k", ENTRY_KIND, K, k, REQUIRED, 0, 0),                          \
        ROW("from", USER, FROM, from, OPTIONAL, 0, 0), DEV(OPTIONAL),        \
        TIME("ts", TS, ts, REQUIRED), COUNT("of", OF, of, OPTIONAL), THREAD, \
        REPLY, TIME("expires", EXPIRES, expires, OPTIONAL),                  \
        ROW("deleted", BOOL, DELETED, deleted, OPTIONAL, 0, 0), TRACE,       \
        CID(OPTIONAL), MENTION,                                              \
        ROW("body", OBJECT, BODY, body, OPTIONAL, 0, LIMIT_OBJECT_ENC)

#define BATCH                                                                  \
    ROWS(                                                                      \
        CONV(REQUIRED),                                                        \
        ROW("entries", ENTRIES, ENTRIES, entries, REQUIRED, 0, LIMIT_BACKLOG), \
        COUNT("from", FROM_SEQ, from_seq, REQUIRED),                           \
        COUNT("to", TO, to, REQUIRED), COUNT("head", HEAD, head, REQUIRED),    \
        ROW("more", BOOL, MORE, more, OPTIONAL, 0, 0))

#define GAP                                                           \
    ROWS(CONV(REQUIRED), COUNT("from", FROM_SEQ, from_seq, REQUIRED), \
         COUNT("to", TO, to, REQUIRED), WHY(REQUIRED))

#define RECEIPT                                                    \
    ROWS(CONV(REQUIRED), USER(OPTIONAL),                           \
         COUNT("delivered", DELIVERED, delivered, OPTIONAL),       \
         COUNT("read", READ, read, OPTIONAL), SEQ(OPTIONAL),       \
         COUNT("delivered_n", DELIVERED_N, delivered_n, OPTIONAL), \
         COUNT("read_n", READ_N, read_n, OPTIONAL))

#define ERR                                                             \
    ROWS(ROW("code", PLAIN, CODE, code, REQUIRED, 1, 32),               \
         ROW("temp", BOOL, TEMP, temp, OPTIONAL, 0, 0),                 \
         ROW("retry", RETRY, RETRY, retry_min, OPTIONAL, 0, LIMIT_SEQ), \
         SEQ(OPTIONAL), ROW("msg", TEXT, MSG, msg, OPTIONAL, 0, 1024))

#define BYE                                                             \
    ROWS(ROW("code", INT, CODE, bye_code, OPTIONAL, 0, LIMIT_SEQ),      \
         ROW("retry", RETRY, RETRY, retry_min, OPTIONAL, 0, LIMIT_SEQ), \
         ROW("msg", TEXT, MSG, msg, OPTIONAL, 0, 1024))

const struct row frame_n_row = ROW("n", INT, N, n, OPTIONAL, 1, LIMIT_SEQ);
const struct row frame_re_row = ROW("re", INT, RE, re, OPTIONAL, 1, LIMIT_SEQ);

const struct rows frame_win_rows =
    ROWS(ROW("entries", INT, WIN_ENTRIES, win_entries, OPTIONAL, 1, LIMIT_SEQ),
         ROW("bytes", INT, WIN_BYTES, win_bytes, OPTIONAL, 1, LIMIT_SEQ));

const struct rows frame_element_rows = ROWS(ENTRY_ROWS);

#define NAMED(text) .name = text, .length = sizeof(text) - 1
#define FROM_CLIENT_ONLY(text, ...)              \
    {                                            \
        NAMED(text), .client = ROWS(__VA_ARGS__) \
    }
#define FROM_SERVER_ONLY(text, ...)              \
    {                                            \
        NAMED(text), .server = ROWS(__VA_ARGS__) \
    }
/* Members beyond those given are nobody's mistake. */
#define OPEN(text)                                   \
    {                                                \
        NAMED(text), .open = true, .client = NOTHING \
    }

const struct kind frame_kinds[FRAME_KINDS] = {
    [FRAME_HELLO] = {NAMED("hello"), .client = HELLO},
    [FRAME_HB] = {NAMED("hb"),
                  .client = ROWS(ROW("act", BOOL, ACT, act, OPTIONAL, 0, 0)),
                  .server = ROWS(TIME("now", NOW, now, OPTIONAL))},
    [FRAME_SEND] = {NAMED("send"), .client = SEND},
    [FRAME_EDIT] = FROM_CLIENT_ONLY(
        "edit", CONV(REQUIRED), SEQ(REQUIRED), CID(OPTIONAL),
        ROW("body", BODY, BODY, body, REQUIRED, 0, LIMIT_BODY)),
    [FRAME_DELETE] = FROM_CLIENT_ONLY("delete", CONV(REQUIRED), SEQ(REQUIRED),
                                      CID(OPTIONAL)),
    [FRAME_REACT] = FROM_CLIENT_ONLY(
        "react", CONV(REQUIRED), SEQ(REQUIRED), CID(OPTIONAL),
        ROW("emoji", TEXT, EMOJI, emoji, REQUIRED, 1, LIMIT_EMOJI),
        ON(REQUIRED)),
    [FRAME_ACK] = FROM_CLIENT_ONLY("ack", AT(REQUIRED)),
    [FRAME_READ] = FROM_CLIENT_ONLY("read", AT(REQUIRED)),
    [FRAME_TYPING] = {NAMED("typing"),
                      .client = ROWS(CONV(REQUIRED), ON(REQUIRED)),
                      .server =
                          ROWS(CONV(REQUIRED), USER(REQUIRED), ON(REQUIRED))},
    [FRAME_VIEW] = {NAMED("view"), .client = VIEW},
    [FRAME_HISTORY] = {NAMED("history"), .client = HISTORY},
    [FRAME_STATE] = FROM_CLIENT_ONLY("state", CONV(REQUIRED), SEQ(REQUIRED)),
    [FRAME_TICKET] = OPEN("ticket"),
    [FRAME_FETCH] = OPEN("fetch"),
    [FRAME_KEYS_PUT] = OPEN("keys.put"),
    [FRAME_KEYS_GET] = OPEN("keys.get"),
    [FRAME_KEYS_COUNT] = OPEN("keys.count"),
    [FRAME_CONV_OPEN] = FROM_CLIENT_ONLY("conv.open", USER(REQUIRED), MODE),
    [FRAME_CONV_CREATE] = {NAMED("conv.create"), .client = CONV_CREATE},
    [FRAME_CONV_LIST] = FROM_CLIENT_ONLY(
        "conv.list", ROW("after", CONV, CONV, conv, OPTIONAL, 0, 0),
        LIMIT(LIMIT_LIST)),
    [FRAME_CONV_INFO] =
        FROM_CLIENT_ONLY("conv.info", CONV(REQUIRED), LIMIT(LIMIT_LIST)),
    [FRAME_CONV_MEMBERS] = FROM_CLIENT_ONLY(
        "conv.members", CONV(REQUIRED),
        ROW("after", USER, USER, user, OPTIONAL, 0, 0), LIMIT(LIMIT_LIST)),
    [FRAME_CONV_ADD] = FROM_CLIENT_ONLY("conv.add", CONV(REQUIRED),
                                        USERS(REQUIRED), CID(OPTIONAL)),
    [FRAME_CONV_REMOVE] = FROM_CLIENT_ONLY("conv.remove", CONV(REQUIRED),
                                           USER(REQUIRED), CID(OPTIONAL)),
    [FRAME_CONV_LEAVE] =
        FROM_CLIENT_ONLY("conv.leave", CONV(REQUIRED), CID(OPTIONAL)),
    [FRAME_CONV_ROLE] = {NAMED("conv.role"), .client = CONV_ROLE},
    [FRAME_CONV_RENAME] = FROM_CLIENT_ONLY("conv.rename", CONV(REQUIRED),
                                           TITLE(REQUIRED), CID(OPTIONAL)),
    [FRAME_USER_FIND] = FROM_CLIENT_ONLY("user.find", NAME(LIMIT_NAME)),
    [FRAME_USER_INFO] = FROM_CLIENT_ONLY("user.info", USERS(REQUIRED)),
    [FRAME_USER_SET] = {NAMED("user.set"), .client = USER_SET},
    [FRAME_USER_BLOCK] =
        FROM_CLIENT_ONLY("user.block", USER(REQUIRED), ON(REQUIRED)),
    [FRAME_USER_BLOCKS] = {NAMED("user.blocks"), .client = NOTHING},
    [FRAME_USER_DEVICES] = {NAMED("user.devices"), .client = NOTHING},
    [FRAME_USER_DEVICE] = FROM_CLIENT_ONLY(
        "user.device", DEV(REQUIRED),
        ROW("name", TEXT, NAME, name, REQUIRED, 1, LIMIT_DEVICE_NAME)),
    [FRAME_USER_REVOKE] = FROM_CLIENT_ONLY("user.revoke", DEV(REQUIRED)),
    [FRAME_USER_DELETE] = FROM_CLIENT_ONLY("user.delete", NAME(LIMIT_NAME)),
    [FRAME_USER_EXPORT] = {NAMED("user.export"), .client = USER_EXPORT},
    [FRAME_WS] = OPEN("ws"),
    [FRAME_SEARCH] = OPEN("search"),
    [FRAME_FENCE] = FROM_CLIENT_ONLY(
        "fence", ROW("convs", CONVS, CONVS, convs, OPTIONAL, 0, LIMIT_FENCE)),
    [FRAME_BYE] = {NAMED("bye"), .client = NOTHING, .server = BYE},
    [FRAME_WELCOME] = {NAMED("welcome"), .server = WELCOME},
    [FRAME_SENT] = {NAMED("sent"), .server = SENT},
    [FRAME_ENTRY] = FROM_SERVER_ONLY("entry", CONV(REQUIRED), ENTRY_ROWS),
    [FRAME_BATCH] = {NAMED("batch"), .server = BATCH},
    [FRAME_SYNCED] =
        FROM_SERVER_ONLY("synced", ROW("more", MARKS, MORE, more_list, OPTIONAL,
                                       0, LIMIT_CONVS)),
    [FRAME_GAP] = {NAMED("gap"), .server = GAP},
    [FRAME_RECEIPT] = {NAMED("receipt"), .server = RECEIPT},
    [FRAME_PRESENCE] = FROM_SERVER_ONLY(
        "presence", ROW("at", PRESENCE, AT, at, REQUIRED, 0, 4096)),
    [FRAME_HEAD] =
        FROM_SERVER_ONLY("head", CONV(REQUIRED), SEQ(REQUIRED),
                         COUNT("mentions", MENTIONS, mentions, OPTIONAL)),
    [FRAME_OK] = {NAMED("ok"), .open = true, .server = NOTHING},
    [FRAME_ERR] = {NAMED("err"), .open = true, .server = ERR},
};

const char *frame_kind_name(enum frame_kind k)
{
    return k > FRAME_NONE && k < FRAME_KINDS ? frame_kinds[k].name : "?";
}

enum frame_kind frame_kind_parse(struct span s)
{
    for (int k = 1; k < FRAME_KINDS; k++) {
        const struct kind *kind = &frame_kinds[k];

        if (kind->length == s.n && memcmp(kind->name, s.p, s.n) == 0)
            return (enum frame_kind)k;
    }
    if (s.n > 3 && memcmp(s.p, "ws.", 3) == 0)
        return FRAME_WS;
    return FRAME_NONE;
}
