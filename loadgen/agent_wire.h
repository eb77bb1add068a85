/* agent_wire.h - what a coordinator and its agents say: a JSON object a line
 * over TCP. Both prove that they know the secret before anything else is
 * believed: each answers the other's random number with an HMAC.
 *
 *   C: {"t":"challenge","nonce"}
 *   A: {"t":"hello","v":1,"name","nonce","mac","cores","fit","here"}
 *   C:
 * {"t":"assign","url","mac","scenario","host","port","tls","seed","run","io",
 *       "server_pid","fold_ms"}
 *   C: {"t":"arrivals","traffic","period","rate","at","last"} ...
 *                                           for each traffic of a record: its
 *                                           times in ns, in parts
 *   C: {"t":"accounts","lines"} ...         text as of --accounts, in parts
 *   A: {"t":"ready"}
 *   C: {"t":"start"}
 *   A: {"t":"interval","phase","conns","ready","gen_cpu","srv_cpu",
 *       "foreign_cpu","gen_rss","srv_rss","counts","hists"} once a second
 *   C: {"t":"drain"}                        early, on request
 *   A: {"t":"result","counts","all","phase_ms","hists","outcome"}
 *   either: {"t":"error","text"} and the end */
#ifndef LOAD_AGENT_WIRE_H
#define LOAD_AGENT_WIRE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/json.h"
#include "collect.h"
#include "engine.h"

#define WIRE_LINE (16 << 20) /* longest line */
#define WIRE_SECRET 256      /* bytes of a secret, at least 8 */
#define WIRE_NONCE 33

struct wire_end {
    int fd; /* -1: closed */
    struct buf in;
};

/* The first line of a file of mode 0600, 8 bytes at least. */
int secret_read(char out[WIRE_SECRET], const char *path, struct error *err);

void wire_end_init(struct wire_end *w, int fd);
void wire_end_close(struct wire_end *w);
/* Send j as a line, within 20 s; takes the reference. 0 or -CF_CLOSED. */
int wire_put(struct wire_end *w, json_t *j);
/* A line that is there, waiting at most ms: 1, *out with its "t" checked to be
 * text; 0: none; -CF_CLOSED, -CF_INVALID. */
int wire_get(struct wire_end *w, int ms, json_t **out);
const char *wire_kind(const json_t *j);

void wire_nonce(char out[WIRE_NONCE]);
/* The proof of who: "agent" or "coordinator", for that nonce. */
void wire_proof(char out[65], const char *secret, const char *who,
                const char *nonce);

/* Counts as an object, histograms with samples as {"e2e": encoded}. */
json_t *wire_counts(const uint64_t counts[COUNTS]);
void wire_read_counts(uint64_t counts[COUNTS], const json_t *j);
json_t *wire_hists(const struct hist hists[METRICS]);
/* Merged into hists; what does not decode is left out. */
void wire_merge_hists(struct hist hists[METRICS], const json_t *j);
json_t *wire_outcome(const struct engine_outcome *o);
void wire_read_outcome(struct engine_outcome *o, const json_t *j);

#endif
