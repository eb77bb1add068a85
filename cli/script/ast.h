/* ast.h - a conversation script as a tree (grammar: confab-script(5)). All of
 * it lives in the script's arena and is freed at once; nothing points out of
 * it. */
#ifndef SCRIPT_AST_H
#define SCRIPT_AST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

#define SCRIPT_MAX_BYTES (10 << 20) /* of one file */
#define SCRIPT_MAX_DEPTH 32         /* blocks in blocks, values in values */
#define SCRIPT_MAX_TESTS 10000
#define SCRIPT_MAX_ACTORS 1000 /* of one test */
#define SCRIPT_MAX_INCLUDES 64
#define SCRIPT_MAX_REPEAT 1000000

struct where {
    const char *file;
    int line, column; /* from 1; columns count bytes */
};

/* ---- values, expressions and patterns ---- */

enum expr_kind {
    EXPR_NULL,
    EXPR_BOOL,   /* number: 0 or 1 */
    EXPR_NUMBER, /* number; real when is_real */
    EXPR_TEXT,   /* text; or items: parts of a template, joined */
    EXPR_VAR,    /* $text */
    EXPR_FIELD,  /* items[0].text */
    EXPR_INDEX,  /* items[0][items[1]] */
    EXPR_CALL,   /* text(items...) */
    EXPR_UNARY,  /* op items[0]: "-" "not" */
    EXPR_BINARY, /* items[0] op items[1]: + - * / % == != < <= > >= ~ and or */
    EXPR_ARRAY,  /* items */
    EXPR_OBJECT, /* keys[i]: items[i] */
    EXPR_ENV,    /* $env.text: CONFAB_VAR_text */
    EXPR_NAME,   /* a bare word: an actor, where one is allowed; text as it
                  * is written, items: parts of user${i}, joined */
    /* patterns only */
    EXPR_ANY,
    EXPR_REGEX,   /* ~"items or text": POSIX extended, searched */
    EXPR_RANGE,   /* items[0]..items[1], inclusive, numbers */
    EXPR_EXACTLY, /* items[0]: an object without further members */
};

struct expr {
    enum expr_kind kind;
    struct where at;
    const char *text; /* may hold NUL-free UTF-8 only */
    const char *op;
    int64_t number;
    double real;
    bool is_real;
    struct expr **items;
    const char **keys;
    int count;
};

/* ---- statements ---- */

enum event_kind {
    SEE_MESSAGE, /* text, edits, deletions, reactions: see confab-script(5) */
    SEE_SENT,
    SEE_DELIVERED,
    SEE_READ,
    SEE_PRESENCE,
    SEE_TYPING,
    SEE_MEMBER,
    SEE_MEDIA,
    SEE_KEY,
    SEE_LINK,
    SEE_ERROR,
    SEE_EDIT,     /* an edit of a message: { "text": .., "of": seq } */
    SEE_DELETE,   /* a deletion */
    SEE_REACTION, /* { "emoji": .., "on": bool } */
    SEE_TITLE,    /* a new title */
    SEE_GAP,      /* entries that will not come, and why */
    SEE_KINDS
};

enum verb {
    VERB_CONNECTS,
    VERB_DISCONNECTS,
    VERB_RESUMES,   /* [after] : reconnect with last_seen there */
    VERB_SENDS,     /* to value [key cid] [ttl ms] [thread of] */
    VERB_REPLIES,   /* of value */
    VERB_EDITS,     /* of value */
    VERB_DELETES,   /* of */
    VERB_REACTS,    /* of value [off] */
    VERB_READS,     /* of */
    VERB_TYPES,     /* to [off] */
    VERB_VIEWS,     /* names and vars; "nothing" */
    VERB_JOINS,     /* to */
    VERB_LEAVES,    /* to */
    VERB_UPLOADS,   /* to file [caption] */
    VERB_DOWNLOADS, /* of */
    VERB_CREATES,   /* word ("group", "channel") value (title) with who */
    VERB_ADDS,      /* who to */
    VERB_REMOVES,   /* who to ("from") */
    VERB_RENAMES,   /* to value */
    VERB_PROMOTES, /* who[0] in to, word: "promotes bob in $g to admin" (member,
                    * admin, owner) */
    VERB_BLOCKS,   /* who */
    VERB_UNBLOCKS, /* who */
    VERB_VERIFIES, /* who */
    VERB_ROTATES,  /* word: "keys" */
    VERB_RAW,      /* value: an object, sent as it is with a fresh n */
    VERBS
};

enum stmt_kind {
    STMT_ACTORS, /* names (user[3] is user1 user2 user3); device_of */
    STMT_ACTION, /* actor verb ... [as] */
    STMT_EXPECT, /* actor sees ... */
    STMT_ANY_ORDER,
    STMT_IN_ORDER,
    STMT_TOGETHER,
    STMT_REPEAT, /* value times [as var] */
    STMT_STEP,   /* value: its title */
    STMT_FORBID, /* actor, see, block */
    STMT_FINALLY,
    STMT_NETWORK, /* actor fault number; drip: off */
    STMT_SERVER,  /* [word: name of the node] fault [value] */
    STMT_CLOCK,   /* number: ms */
    STMT_SYNC,    /* names */
    STMT_LET,     /* as = value */
    STMT_CHECK,   /* value: an expression */
    STMT_NOTE,    /* value */
    STMT_SKIP,    /* value: why */
};

enum fault {
    FAULT_CUT,
    FAULT_HEAL,
    FAULT_RESET,
    FAULT_LATENCY, /* number: ms */
    FAULT_RATE,    /* number: bytes a second */
    FAULT_CLOSE,   /* number: close code */
    FAULT_DRIP,    /* "drip": one byte at a time, each its own write */
    FAULT_STOP,
    FAULT_START,
    FAULT_RESTART,
    FAULT_KILL,
    FAULT_LACKS, /* value: text that must not lie in the store */
};

/* A captured name: $name or $name[index]. */
struct target {
    const char *name; /* NULL: none */
    struct expr *index;
};

struct see {
    bool nothing;
    enum event_kind kinds[SEE_KINDS]; /* one, unless nothing or forbid */
    int nkinds;                       /* 0 with nothing: every strict kind */
    struct expr *from, *by, *in, *of, *after; /* filters; NULL: none */
    const char *is;
    struct expr *pattern;          /* TEXT, REGEX, OBJECT, EXACTLY; NULL */
    int64_t times;                 /* 1 */
    int64_t within_ms, timeout_ms; /* -1: not given */
};

struct stmt {
    enum stmt_kind kind;
    struct where at;
    int end_line; /* of its block's "}" */
    struct stmt *next;
    struct stmt *block;      /* first statement inside */
    const char *actor;       /* as written: "alice", "user${i}" */
    struct expr *actor_expr; /* EXPR_NAME; NULL when actor is the name */
    enum verb verb;
    enum fault fault;
    const char **names;       /* actors, sync, who */
    struct expr **name_exprs; /* one a name: EXPR_NAME, or NULL as above */
    int nnames;
    const char *device_of;
    struct expr *to, *of, *value, *after, *cid, *thread, *caption;
    struct expr **views; /* what is viewed; nviews 0: nothing */
    int nviews;
    const char *word;
    bool off;
    int64_t number, ttl_ms;
    struct target as;
    struct see *see;
    const char *source; /* the statement as written, one line, for reports */
};

struct test {
    const char *name;
    struct where at;
    int end_line;
    const char **tags;
    int ntags;
    struct stmt *block;
    struct test *next;
    int index; /* in its file, from 0 */
};

enum server_spec { SERVER_DEFAULT, SERVER_SPAWN, SERVER_URL, SERVER_CLUSTER };

struct script {
    const char *path;
    int64_t version;
    int64_t timeout_ms; /* 5,000 unless said */
    enum server_spec server;
    struct where server_at;
    const char **argv; /* spawn: program and arguments, NULL-terminated */
    const char *url;
    int64_t cluster;      /* nodes */
    struct stmt *lets;    /* STMT_LET, in order */
    const char **secrets; /* names */
    int nsecrets;
    struct test *tests;
    int ntests;
    struct arena *arena;
};

/* Parse a file with what it includes. On error *err is
 * "file:line:column: what, did you mean ...?" and, on further lines, the
 * source line with a caret. -CF_INVALID, -CF_NOT_FOUND, -CF_TOO_BIG. */
int script_parse_file(struct script **out, const char *path, struct error *err);
/* The same from text that was read already; includes are looked up beside
 * path. */
int script_parse(struct script **out, const char *path, struct span text,
                 struct error *err);
void script_free(struct script **s);

/* Format: two spaces a level, single spaces, comments kept. Idempotent. An
 * error for what does not parse. */
int script_format(struct buf *out, const char *path, struct span text,
                  struct error *err);

const char *verb_name(enum verb v);
const char *see_name(enum event_kind k);

#endif
