/* replay.h - a wire log (wire.h) played again: to a client without a server,
 * or to a server without its clients. */
#ifndef SCRIPT_REPLAY_H
#define SCRIPT_REPLAY_H

#include <stdio.h>

#include "base/error.h"
#include "wire.h"

/* ---- to a client ---- */

struct replay_client_result {
    int frames;  /* fed to the client */
    int unasked; /* answers in the log to what the client did not ask */
    int events, expected; /* made now; in the log (0: nothing to compare) */
    bool same;
    struct buf difference; /* lines for a person; released by the caller */
};

/* Play connection conn of the log: the frames of the server are fed to a
 * client, what the client does by itself it does now, the rest of what it did
 * is done for it. Writes the log anew to out (NULL: nowhere), with the events
 * that the client made each behind its frame. 0, or an error of the log. */
int replay_client(const struct wire_log *log, int conn, FILE *out,
                  struct replay_client_result *result, struct error *err);

/* ---- to a server ---- */

struct fixture;

struct replay_server_config {
    struct fixture *fixture; /* where accounts come from, and the URL */
    const char *ca_file;
    const char *prefix;  /* of account names */
    int64_t patience_ms; /* for an answer */
    bool hints;          /* receipts, presence, typing and heads count, too */
};

struct replay_server_result {
    int sent, matched, missing, extra;
    struct buf transcript; /* a line each: what came, in the ids of the log */
    struct buf difference; /* from the log, for a person */
};

/* Play the log's requests to a server, each when all that came before it in
 * the log has come. Users of the log get fresh accounts; ids are translated
 * both ways, times and texts for people do not count. 0 when it could be
 * played, whatever came of it; release the result either way. */
int replay_server(const struct wire_log *log,
                  const struct replay_server_config *cfg,
                  struct replay_server_result *result, struct error *err);
void replay_server_release(struct replay_server_result *result);

#endif
