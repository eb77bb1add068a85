/* fixture.h - the server under a script: one of our own, started and ended
 * here, or one at a URL. Blocking calls, short, except where said. */
#ifndef SCRIPT_FIXTURE_H
#define SCRIPT_FIXTURE_H

#include "ast.h"
#include "base/error.h"
#include "base/loop.h"

struct fixture;

struct fixture_config {
    const char *url;         /* given: nothing is started */
    const char *const *argv; /* program and arguments; NULL: confabd --dev */
    int nodes;               /* 0: the server's default */
    const char *log_path;    /* the server's stderr; NULL: in its directory */
    const char *data;   /* NULL: a temporary directory, removed at the end */
    bool quiet_budgets; /* --no-budgets */
    const char *const *more; /* further arguments of a confabd, or NULL */
    int nmore;
};

struct account {
    char name[40];
    char token[136];
    uint64_t user;
    uint32_t dev;
};

/* Start (ready when this returns) or take the URL. The child dies with us
 * (PR_SET_PDEATHSIG) and is ended by fixture_free: SIGTERM, then SIGKILL.
 * -CF_UNAVAILABLE with the last lines of its log. confabd is looked for beside
 * our own program, then in PATH; --test-clock is added when it is ours. */
int fixture_start(struct fixture **out, const struct fixture_config *cfg,
                  struct error *err);
/* Take a server that another process of this run started: accounts come in
 * bulk over its admin socket (NULL: none), but it is not ours to stop and its
 * clock and store are not for one test alone. Frees like the others. */
int fixture_attach(struct fixture **out, const char *url, const char *admin,
                   struct error *err);
void fixture_free(struct fixture **slot);
const char *fixture_url(const struct fixture *f);   /* ws://... */
const char *fixture_log(const struct fixture *f);   /* path or NULL */
const char *fixture_admin(const struct fixture *f); /* socket or NULL */
bool fixture_owned(const struct fixture *f);
bool fixture_running(struct fixture *f);
/* 0 while it runs, else -CF_UNAVAILABLE: how it ended and the end of its
 * log. */
int fixture_check(struct fixture *f, struct error *err);

/* Fresh accounts named PREFIX-N. In bulk over the admin socket when the server
 * is ours; else each from CONFAB_SECRET_<actor> ("NAME:PASSWORD" or a token)
 * or by open registration. actors[i] is the name in the script. */
int fixture_accounts(struct fixture *f, const char *const *actors, int count,
                     const char *prefix, struct account *out,
                     struct error *err);
/* A further device of the account: a token of its own. */
int fixture_device(struct fixture *f, const struct account *of,
                   struct account *out, struct error *err);

/* FAULT_STOP (SIGTERM, waits for the end), START (same address and data, waits
 * until ready), RESTART, KILL (SIGKILL, waits). -CF_DENIED: not our server. */
int fixture_fault(struct fixture *f, enum fault fault, struct error *err);
/* Move the server's test clock; returns when its due timers have run. hold:
 * who is connected counts as alive afterwards, however far it went. */
int fixture_clock(struct fixture *f, int64_t ms, bool hold, struct error *err);
/* Is the text in any file of the store (after a checkpoint)? 1, 0, error. */
int fixture_store_has(struct fixture *f, const char *text, struct error *err);

#endif
