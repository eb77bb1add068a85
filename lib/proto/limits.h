/* limits.h - every size and count that a peer can influence. All bounds are
 * inclusive. The ones marked (W) are announced in `welcome.limits`. */
#ifndef PROTO_LIMITS_H
#define PROTO_LIMITS_H

/* Frames (bytes, counts). */
#define LIMIT_OBJECT (64 * 1024)      /* one JSON object (W: object) */
#define LIMIT_OBJECT_NEW (8 * 1024)   /* before login */
#define LIMIT_OBJECT_ENC (256 * 1024) /* a send with `enc` */
#define LIMIT_FRAME (256 * 1024)      /* one WebSocket message (W: frame) */
#define LIMIT_FRAME_OBJECTS 64        /* objects in it (W: objects) */
#define LIMIT_FRAGMENTS 64            /* fragments of one message */
#define LIMIT_DEPTH 8                 /* nesting of one object (W: depth) */
#define LIMIT_STRUCTURE 4096          /* , : [ { in one object */
#define LIMIT_DEPTH_SERVER (LIMIT_DEPTH + 4) /* a body is deeper in a batch */
#define LIMIT_STRUCTURE_SERVER (64 * 1024)   /* of what a server sends */
#define LIMIT_KEYS 128 /* keys of an object and of those around it together */
#define LIMIT_ENTRY_WIRE (300 * 1024) /* one encoded entry */
#define LIMIT_BATCH_WIRE (256 * 1024) /* one encoded batch, or one entry */

/* Members. */
#define LIMIT_CID 64           /* bytes: 0x21..0x7e without " and \ */
#define LIMIT_BODY (48 * 1024) /* raw JSON of a body without enc (W: body) */
#define LIMIT_TOKEN 128        /* bytes of a token as text */
#define LIMIT_UA 128           /* bytes */
#define LIMIT_NAME 32          /* account name: [a-z0-9_.-]{1,32} */
#define LIMIT_DISPLAY 64       /* bytes: display, title and device names... */
#define LIMIT_TITLE 128        /* bytes of UTF-8 */
#define LIMIT_DEVICE_NAME 64   /* bytes of UTF-8 */
#define LIMIT_EMOJI 64         /* bytes of a reaction */
#define LIMIT_MENTIONS 64      /* users in mention[] (W: mentions) */
#define LIMIT_MARKS 512        /* pairs in ack, read, synced.more */
#define LIMIT_LAST_SEEN                                                      \
    1024                   /* conversations in hello.last_seen; long numbers \
                              reach LIMIT_OBJECT_NEW before */
#define LIMIT_VIEW 200     /* convs and users of a view (W: view) */
#define LIMIT_USERS 200    /* users in one conv.create, conv.add, user.info */
#define LIMIT_HISTORY 200  /* entries of one history answer (W: history) */
#define LIMIT_LIST 200     /* rows of one list answer */
#define LIMIT_PASSWORD 256 /* bytes; at least LIMIT_PASSWORD_MIN */
#define LIMIT_PASSWORD_MIN 8
#define LIMIT_INVITE 64                    /* bytes */
#define LIMIT_FENCE 64                     /* convs of one fence */
#define LIMIT_SEQ ((INT64_C(1) << 53) - 1) /* any integer on the wire */
#define LIMIT_TTL_MS (INT64_C(366) * 86400 * 1000)

/* Flow. */
#define LIMIT_BACKLOG 1000    /* entries of a conversation before synced */
#define LIMIT_PAGE 200        /* entries read from the store at a time */
#define LIMIT_WIN_ENTRIES 256 /* default and largest credit, entries */
#define LIMIT_WIN_BYTES (256 * 1024)  /* default and largest credit, bytes */
#define LIMIT_OUTQ_BYTES (256 * 1024) /* queued for one connection */
#define LIMIT_OUTQ_WIRES 1024
#define LIMIT_LIVE_MEMBERS 512 /* pushed to all up to here */
#define LIMIT_RX (LIMIT_FRAME)

/* Budgets (token buckets per user). */
#define LIMIT_SENDS_RATE 20 /* per second (W: sends) */
#define LIMIT_SENDS_BURST 60
#define LIMIT_CONTROL_RATE 10 /* (W: control) */
#define LIMIT_CONTROL_BURST 40
#define LIMIT_HISTORY_RATE 20
#define LIMIT_HISTORY_BURST 100
#define LIMIT_RATE_ERRORS 100 /* err rate answers in 10 s, then close */
#define LIMIT_BAD_FRAMES 10   /* err bad_* answers in 10 s, then close 4400 */

/* Deadlines (ms). */
#define LIMIT_HELLO_MS 5000         /* first frame after the upgrade */
#define LIMIT_MESSAGE_MS 10000      /* a whole message after its first byte */
#define LIMIT_HEARTBEAT_MS 30000    /* W: hb */
#define LIMIT_TTL_PRESENCE_MS 45000 /* W: ttl; also closes 4001 */
#define LIMIT_STALL_MS 60000        /* nothing moved: 4002 */
#define LIMIT_STORE_MS 5000         /* deadline of a store operation */
#define LIMIT_MARK_FOLD_MS                           \
    1000 /* receipts of groups and presence are told \
          * this often; marks are stored so, when    \
          * there are many */
#define LIMIT_MARK_FOLD_LEAST_MS 20 /* and so, when there are few */
#define LIMIT_HEAD_MS 2000          /* `head` of big conversations */
#define LIMIT_TICK_MS 1000          /* a home says its number when idle */

/* Quotas. */
#define LIMIT_DEVICES 32     /* live devices of a user */
#define LIMIT_CONVS 10000    /* conversations of a user */
#define LIMIT_MEMBERS 100000 /* members of a group */
#define LIMIT_BLOCKS 10000
#define LIMIT_STORE_QUEUE 1000  /* operations waiting for the writer */
#define LIMIT_UNACKED_CONTACT 1 /* sends to a `request` contact */
#define LIMIT_CID_DAYS 30

/* Connections before login. */
#define LIMIT_CONNS_PER_ADDRESS 50
#define LIMIT_LOGIN_QUEUE 32
#define LIMIT_LOGIN_FAILURES 5 /* per minute, account and address */
#define LIMIT_HTTP_BODY LIMIT_FRAME
#define LIMIT_HTTP_HEADERS 2048

#endif
