/* target.h - the server that a run is about: given, found on this machine, or
 * our own; and the accounts that log in there. */
#ifndef LOAD_TARGET_H
#define LOAD_TARGET_H

#include "engine.h"
#include "own_server.h"

struct target_options {
    const char *url;        /* ws://HOST:PORT, wss://, or a driver's scheme;
                               NULL: found */
    const char *admin;      /* socket; NULL: found */
    const char *ready_file; /* of the server; NULL: none */
    const char *accounts;   /* file; NULL: made over the admin socket */
    const char *server;     /* our own: "confabd ARGS"; NULL: none */
    const char *ca_file;
    int64_t server_pid; /* 0: found */
};

struct target {
    char url[256], host[200], admin[256];
    int port;
    bool tls, here;              /* here: on this machine */
    const struct driver *driver; /* NULL: confab */
    int server_pid;              /* 0: unknown */
    int64_t fold_ms;             /* of its receipts; 0: unknown */
    char server_name[64], durability[64];
    struct own_server own;        /* own.pid > 0: running */
    struct account_set *accounts; /* owned */
};

/* Find or start the server, check that something listens there. A given URL,
 * admin socket or ready file is believed; without any a confabd --dev of this
 * machine is looked for, then ws://127.0.0.1:7000. -CF_UNAVAILABLE: nobody
 * there; -CF_INVALID: a URL that is none. */
int target_open(struct target *t, const struct target_options *o, int64_t conns,
                struct error *err);
/* The accounts for count users. */
int target_accounts(struct target *t, const struct target_options *o,
                    int64_t count, uint64_t run, struct error *err);
/* End our own server, free the rest. Safe when zeroed. */
void target_close(struct target *t);

#endif
