/* fixture_priv.h - the inside of fixture*.c. */
#ifndef SCRIPT_FIXTURE_PRIV_H
#define SCRIPT_FIXTURE_PRIV_H

#include "base/json.h"
#include "child.h"
#include "fixture.h"

#define START_PATIENCE_MS 30000
#define STOP_PATIENCE_MS 20000
#define ADMIN_PATIENCE_MS 60000

/* What we know of an account that the server did not make for us in bulk. */
struct known {
    struct known *next;
    char name[40];
    char password[260]; /* "": none, a token alone */
    char token[136];    /* of a login, to be given back; "": none */
};

struct fixture {
    char url[512];
    bool owned;
    bool ours;  /* a confabd, and not another program */
    bool heard; /* it has no port of ours: the URL came from its ready file */
    char dir[256];   /* temporary: ready file, log, data */
    char data[4096]; /* of the server */
    char log[4096];
    char ready[512];
    char admin[512]; /* socket */
    struct child child;
    int hold; /* socket that keeps the port ours while the server is down */
    int port;
    char **argv; /* complete, NULL-terminated */
    struct known *known;
};

/* One command over the admin socket; *answer is released by the caller, also
 * after an error. -CF_DENIED: there is no admin socket. */
int fixture_ask(struct fixture *f, const char *cmd, json_t *args,
                struct buf *answer, struct error *err);
/* Log out what was logged in, forget the passwords. */
void fixture_forget(struct fixture *f);
/* Remove a directory and all that is in it. */
void fixture_remove(const char *dir);
/* Where temporary things go: TMPDIR if that is short enough for the path of a
 * socket below it, else /tmp. */
const char *fixture_tmp(void);

const char *fixture_base_name(const char *path);
/* Is "--name" or "--name=..." among the arguments? Its value, "" without one;
 * NULL: it is not there. */
const char *fixture_argument(const char *const *argv, const char *name);
/* Take a free port of 127.0.0.1 for as long as the fixture lives. */
int fixture_hold_port(struct fixture *f, struct error *err);
/* f->argv from what the script says, with what a confabd of ours needs. */
void fixture_make_argv(struct fixture *f, const struct fixture_config *cfg);

#endif
