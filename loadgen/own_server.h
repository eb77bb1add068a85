/* own_server.h - a confabd of our own for a run: started, killed and started
 * again over the same data, and never left behind. */
#ifndef LOAD_OWN_SERVER_H
#define LOAD_OWN_SERVER_H

#include <stdint.h>

#include "base/error.h"

#define OWN_SERVER_WORDS 64

struct own_server {
    char dir[256]; /* of our own, removed at the end: data, ready file, log */
    char *words[OWN_SERVER_WORDS]; /* argv, owned; NULL behind the last */
    int nwords;
    char listen[64]; /* "127.0.0.1:PORT": the second start takes the same */
    int listen_at;   /* its index in words; 0: the caller's own choice */
    int pid;         /* 0: not running */
    char url[256], socket[256];
};

/* Start "confabd ARGS" (the program beside ours, or of the PATH; a first word
 * that is an option means confabd) with room for conns, and wait until it
 * serves. What ARGS leaves open is chosen: a throw-away directory, a free port
 * of 127.0.0.1, no budgets. Words are cut at blanks; there are no quotes.
 * Ends with this process, however that ends. */
int own_server_start(struct own_server *s, const char *command, int64_t conns,
                     struct error *err);
/* After it died or was killed: again, same data and port. */
int own_server_restart(struct own_server *s, struct error *err);
/* SIGTERM, after 20 s SIGKILL; remove the directory. Safe when zeroed. Says on
 * stderr when it had ended before, or did not end well, and by what. */
void own_server_end(struct own_server *s);

#endif
