/* run_inside.h - a test while it runs, for run*.c only.
 *
 * A test is one strand of statements; `together` and `any order` split it for
 * a while. A strand stands at one statement at a time. Each kind of statement
 * has a function that is called until it says DONE: first when the strand
 * comes to it (work->begun is false), then after each turn of the loop in
 * which something may have changed. Nothing blocks, so all actors move while
 * one strand waits. */
#ifndef SCRIPT_RUN_INSIDE_H
#define SCRIPT_RUN_INSIDE_H

#include "actor.h"
#include "run.h"
#include "value.h"

enum progress { WAIT, DONE, FAILED };

struct run;
struct strand;

/* An answer that may come after its statement has ended: freed by whoever
 * lets go last. */
struct reply {
    int holders;
    bool done;
    int rc;
    uint64_t id;
    json_t *answer; /* of an `ok`, `sent` or `err`; NULL: none came */
    bool agreed;    /* the answer is an ok */
    bool refused;   /* the answer is an err */
    char code[24];
};

struct fence {
    struct run *run;
    int round, waiting; /* answers of this round that are still to come */
    int holders;
    uint64_t again_ns; /* a link went, or the server was busy: this round
                        * once more, then */
};

/* What a statement keeps between calls. */
struct work {
    bool begun;
    uint64_t began_ns, deadline_ns; /* 0: none */
    struct actor *actor;
    struct reply *reply;
    struct fence *fence;
    json_t *capture;
    int step;
    int64_t left; /* times; ms of a clock */
    int synced;   /* resumes, connects: a->synced before */
    uint64_t conv;
    struct fault_job *job;
    struct strand **children;
    int child_count;
    int *marks; /* forbid: log size of each actor at its begin */
};

/* A block that is being run. */
struct level {
    const struct stmt *owner; /* NULL: the test itself */
    const struct stmt *at;    /* the statement to run; NULL: at the end */
    struct scope *scope;      /* of this block */
    int64_t round, rounds;    /* repeat */
    json_t *over;             /* repeat over an array */
    struct level *outer;      /* `in order` around it */
    int *last;           /* in order: by actor, where it stands in its log */
    int *mark;           /* forbid: where the logs stood */
    struct fence *fence; /* forbid: at its end */
};

struct strand {
    struct run *run;
    struct strand *parent;
    struct level levels[SCRIPT_MAX_DEPTH + 2];
    int depth;
    struct work work;
    bool ended;
    struct level *ordered; /* the nearest `in order`; in a parent, too */
};

struct stored { /* whose action made the message of (conv, seq) */
    uint64_t conv;
    int64_t seq;
    uint64_t began_ns;
};

struct begun { /* a send under way */
    char cid[LIMIT_CID + 1];
    uint64_t began_ns;
};

struct run {
    const struct script *script;
    const struct test *test;
    const struct run_config *cfg;
    struct test_result *out;
    struct stage stage;
    struct loop *loop;
    struct loop_timer *wake;
    struct scope *scope; /* of the test: captures live here */
    struct account *accounts;
    char **names; /* of actors */
    uint64_t limit_ns;
    struct stored *stored;
    int stored_count;
    struct begun *begun;
    int begun_count;
    bool failed, skipped, stop;
    int budget;               /* statements until the loop must turn */
    bool finishing;           /* in `finally` */
    char host[64], dir[1024]; /* of the server; of the script */
    int port;
    const char *url;
};

/* run_strand.c */
struct strand *strand_new(struct run *r, struct strand *parent,
                          const struct stmt *first, const struct stmt *owner,
                          struct scope *scope);
void strand_free(struct strand **s);
/* Go on as far as it goes. True: something moved. */
bool strand_step(struct strand *s);
enum progress do_block(struct strand *s, struct work *w, const struct stmt *st);

/* run.c */
/* The first failure counts; the rest of the run is over (unless keep_going).
 * Returns FAILED. */
enum progress run_fail(struct run *r, const struct stmt *st, const char *fmt,
                       ...) __attribute__((format(printf, 3, 4)));
enum progress run_error(struct run *r, const struct stmt *st, int exit_code,
                        const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
int64_t run_patience(const struct run *r, const struct stmt *st);
/* Set when a wait may last: FAILED when over, else WAIT. */
enum progress run_wait(struct strand *s, struct work *w, const struct stmt *st);
struct eval run_eval(struct strand *s);
struct scope *strand_scope(const struct strand *s);
/* The actor of a name or name expression; NULL after run_fail(). */
struct actor *run_actor(struct strand *s, const struct stmt *st,
                        const char *name, const struct expr *x);
/* Evaluate; DONE, WAIT or FAILED. */
enum progress run_value(struct strand *s, struct work *w, const struct stmt *st,
                        const struct expr *x, json_t **out);
enum progress run_capture(struct strand *s, const struct stmt *st,
                          json_t *value); /* takes the reference */
const char *run_url(struct run *r, struct actor *a, struct error *err);

/* reply.c */
struct reply *reply_new(struct work *w);
void reply_frame(void *ctx, const struct frame *f);
void reply_id(void *ctx, int rc, uint64_t id);
void reply_drop(struct reply **r);

/* run_*.c: one a kind of statement */
enum progress do_action(struct strand *s, struct work *w,
                        const struct stmt *st);
enum progress do_expect(struct strand *s, struct work *w,
                        const struct stmt *st);
enum progress do_network(struct strand *s, struct work *w,
                         const struct stmt *st);
enum progress do_server(struct strand *s, struct work *w,
                        const struct stmt *st);
enum progress do_clock(struct strand *s, struct work *w, const struct stmt *st);
enum progress do_sync(struct strand *s, struct work *w, const struct stmt *st);
enum progress do_let(struct strand *s, struct work *w, const struct stmt *st);
enum progress do_check(struct strand *s, struct work *w, const struct stmt *st);
void fault_job_free(struct fault_job **j);

enum progress run_message(struct strand *s, struct work *w,
                          const struct stmt *st, const struct expr *x,
                          uint64_t *conv, int64_t *seq);
typedef enum progress verb_fn(struct strand *s, struct work *w,
                              const struct stmt *st);
verb_fn verb_sends, verb_replies, verb_edits, verb_deletes, verb_reacts;
verb_fn verb_creates, verb_adds, verb_removes, verb_leaves, verb_renames,
    verb_promotes, verb_block, verb_raw;

/* run_fence.c */
/* True when everything that had happened has got to everybody, but for those
 * whose link the script broke or ended. */
bool fence_passed(struct run *r, struct fence **f);
/* As run_wait(), while a fence does not pass. */
enum progress fence_wait(struct strand *s, struct work *w,
                         const struct stmt *st);
/* Whose link is lost without the script's doing, as text; "": nobody's. */
void fence_why(const struct run *r, char *out, size_t size);
void fence_drop(struct fence **f);

/* run_match.c */
/* Does the event fit kind, filters and pattern? 1, 0, -CF_AGAIN, error. */
int see_fits(struct strand *s, const struct stmt *st, struct actor *a,
             const struct event *e, struct buf *why, struct error *err);
int see_nearness(struct strand *s, const struct stmt *st, struct actor *a,
                 const struct event *e);
/* The conversation that an expression names, as a sees it. 0: unknown yet. */
enum progress run_conv_ref(struct strand *s, struct work *w,
                           const struct stmt *st, struct actor *a,
                           const struct expr *x, uint64_t *conv);

/* run_explain.c */
void explain_event(struct buf *out, struct actor *a, const struct event *e);
/* Add a line to the message of the failure. */
void explain_add(struct test_result *out, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void explain_logs(struct run *r, struct buf *out);
void explain_nearest(struct strand *s, const struct stmt *st, struct actor *a,
                     struct buf *out);
json_t *explain_timeline(struct run *r);

#endif
