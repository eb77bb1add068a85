/* parse_inside.h - for the files of the parser only. The first error stays:
 * from then on every token is TOKEN_END, so that the parser runs out. */
#ifndef SCRIPT_PARSE_INSIDE_H
#define SCRIPT_PARSE_INSIDE_H

#include "arena.h"
#include "ast.h"
#include "base/map.h"
#include "lexer.h"

#define PARSE_MAX_NODES 1000000     /* expressions of a script */
#define PARSE_MAX_STATEMENTS 200000 /* of a script */
#define PARSE_MAX_CHAIN 200         /* operators in a row */
#define PARSE_MAX_KEYS 1000         /* of an object */

/* One file that is being read; outer included it. */
struct source {
    const char *path;
    struct span text;
    struct lexer lexer;
    struct token token, last; /* the one to look at, the one before */
    struct source *outer;
    uint64_t device, inode; /* 0, 0: not a file */
    struct where included;  /* from where */
};

/* Where a block stands: what may be in it. */
enum place { PLACE_TEST, PLACE_STEP, PLACE_INNER };

struct parser {
    struct script *script;
    struct arena *arena;
    struct source *source;
    struct error *err;
    int code;        /* 0, or of the first error */
    bool loose;      /* the formatter: no includes, names are not checked */
    bool in_pattern; /* in a pattern, where any and ~"re" are values */
    bool in_braces;  /* in ${...}, where i means $i */
    enum place place;
    struct token from; /* where the statement began */
    int depth, nodes, statements, includes;
    struct strmap globals;   /* variables of the file */
    struct strmap variables; /* of the test */
    struct strmap actors;    /* of the test */
    struct strmap tests;
    struct strmap files; /* "device:inode" of what was included */
    struct stmt **lets;  /* where the next one goes */
    int nactors;
};

/* ---- parse_token.c ---- */

struct where parse_where(const struct parser *p, const struct token *t);
const struct token *parse_token(const struct parser *p);
void parse_advance(struct parser *p);
bool parse_at(const struct parser *p, const char *raw);
bool parse_at_kind(const struct parser *p, enum token_kind kind);
/* Take it when it is there. */
bool parse_take(struct parser *p, const char *raw);
/* Take it or fail with "expected '{', found ...". */
bool parse_expect(struct parser *p, const char *raw, const char *after);
void parse_skip_newlines(struct parser *p); /* ";" too */
void parse_skip_lines(struct parser *p);    /* within a value */

void parse_fail(struct parser *p, const struct token *t, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void parse_fail_at(struct parser *p, struct where at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* "expected a name of an actor, found ..." at the token. */
void parse_wanted(struct parser *p, const char *what);
/* "unknown verb 'snds', did you mean 'sends'?" at the token. */
void parse_unknown(struct parser *p, const struct token *t, const char *what,
                   const char *const *words);
/* The same with the keys of two maps, either NULL, and words, or NULL. */
void parse_unknown_key(struct parser *p, const struct token *t,
                       const char *what, const struct strmap *a,
                       const struct strmap *b, const char *const *words);
/* One level deeper; false when that is too deep. Pair with parse_leave(). */
bool parse_enter(struct parser *p);
void parse_leave(struct parser *p);

/* The index of the name at the token in words (NULL-terminated), or -1. */
int parse_word(const struct parser *p, const char *const *words);
const char *parse_copy(struct parser *p, const struct token *t);
/* Take a duration, ms; a size a second; a whole number within bounds. */
int64_t parse_duration(struct parser *p, const char *after);
int64_t parse_rate(struct parser *p);
int64_t parse_int(struct parser *p, const char *what, int64_t min, int64_t max);

/* ---- parse_text.c ---- */

/* Take a string, with what it interpolates. */
struct expr *parse_text(struct parser *p);
/* A string that interpolates nothing; NULL after an error. */
const char *parse_plain(struct parser *p, const char *what);
/* Take a name, whose ${...} are kept. */
struct expr *parse_name(struct parser *p);

/* ---- parse_expr.c ---- */

struct expr *parse_new(struct parser *p, enum expr_kind kind,
                       const struct token *t);
void parse_push(struct parser *p, struct expr *x, struct expr *item);
/* A value without operators outside of parentheses: "x", $q.text, 4. */
struct expr *parse_value(struct parser *p);
/* $q, $m[$i], $q.id */
struct expr *parse_var(struct parser *p);

/* ---- parse_operator.c ---- */

struct expr *parse_expr(struct parser *p);
struct expr *parse_sum(struct parser *p); /* without comparisons, and, or */

/* ---- parse_pattern.c ---- */

/* At "[" or "{": of values, or in a pattern of patterns. */
struct expr *parse_array(struct parser *p);
struct expr *parse_object(struct parser *p);

/* A text (STRING or ~STRING), an object (or exactly one), or both; NULL: none.
 * block: one follows, which begins with a brace, too. */
struct expr *parse_pattern(struct parser *p, bool block);

/* ---- parse_see.c ---- */

struct see *parse_see(struct parser *p, struct stmt *s, bool forbid);

/* ---- parse_actor.c ---- */

/* An actor of the test. */
struct expr *parse_actor(struct parser *p);
/* An actor, the variable of a conversation, or a string that names one. */
struct expr *parse_conv(struct parser *p, const char *after);
/* Actors with commas between, into names. */
void parse_who(struct parser *p, struct stmt *s);
/* "actor" and what it declares. */
void parse_actors(struct parser *p, struct stmt *s);
/* The actor that begins a sentence. words: what else may stand there. */
void parse_subject(struct parser *p, struct stmt *s, const char *const *words);
/* The keyword at the token, then a variable that will be set. */
void parse_target(struct parser *p, struct target *as, const char *after);
/* "as" VAR, which is known from here on. */
void parse_as(struct parser *p, struct target *as);
/* From here on the variable is known. */
void parse_define(struct parser *p, const char *name);

/* ---- parse_action.c ---- */

/* The verb and its arguments. */
void parse_action(struct parser *p, struct stmt *s);

/* ---- parse_fault.c ---- */

void parse_network(struct parser *p, struct stmt *s);
void parse_server_fault(struct parser *p, struct stmt *s);

/* ---- parse_stmt.c ---- */

/* "{" statements "}" of s, and what s->source is. */
struct stmt *parse_block(struct parser *p, struct stmt *s, enum place place);
/* "let" VAR "=" value */
void parse_let(struct parser *p, struct stmt *s);
struct stmt *parse_new_stmt(struct parser *p, enum stmt_kind kind);
/* The end of a statement: a new line, ";", or "}" in a block. */
void parse_end(struct parser *p, bool block);

/* ---- parse_decl.c ---- */

/* What stands before the first test: up to "test" or the end. */
void parse_decls(struct parser *p);

/* ---- parse.c ---- */

/* Parse what another file, named at t, declares. */
void parse_included(struct parser *p, const char *path, const struct token *t);
/* As script_parse(), for the formatter: words are not looked up, and what is
 * included is not read. */
int parse_loose(struct script **out, const char *path, struct span text,
                struct error *err);

#endif
