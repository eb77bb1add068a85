/* share.h - one account, several processes: a socket beside the archive over
 * which the process that has the connection (the owner) lends it to others
 * (guests). Here: the socket, its name, and lines over it.
 *
 * A line is one JSON object, `t` first:
 *   guest -> owner  hi, ask, nudge, read, typing, view, active, retry
 *   owner -> guest  told, hello, event, answer, sorry
 * The archive is shared; lines carry what is not in it. */
#ifndef CLIENT_SHARE_H
#define CLIENT_SHARE_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"
#include "base/loop.h"
#include "base/span.h"
#include "client/client.h"
#include "proto/limits.h"

#define SHARE_VERSION 1
/* Bytes: a line with the answer of a server in it. */
#define SHARE_LINE_MAX (2 * LIMIT_ENTRY_WIRE)
#define SHARE_OUT_MAX (4 * 1024 * 1024) /* not read yet by the other */
#define SHARE_GUESTS 256                /* of one owner */

/* Take dir/lock: the descriptor, or -CF_BUSY (somebody has it), -CF_IO. *pid
 * gets who has it, 0 when that cannot be told. */
int share_lock(const char *dir, pid_t *pid);
/* Listen on dir/owner.sock (mode 0600), in place of what is there: with the
 * lock only. The descriptor, or -CF_IO. A long dir is no problem. */
int share_listen(const char *dir);
/* Remove the name of the socket: with the lock only. */
void share_unlisten(const char *dir);
/* The descriptor, or -CF_UNAVAILABLE (nobody listens there), -CF_DENIED (not
 * a process of this user), -CF_IO. Does not block. */
int share_connect(const char *dir);
/* The process at the other end; 0 when it is not one of this user. */
pid_t share_peer(int fd);

/* ---- lines over a connected socket ---- */

struct share_line;

/* got: one whole line without its newline. ended: the other side is gone or
 * broke a bound; called once, never from share_line_send(). Either may free
 * the line. */
struct share_events {
    void (*got)(void *ctx, struct span line);
    void (*ended)(void *ctx);
    void *ctx;
};

/* Takes fd over. */
struct share_line *share_line_new(struct loop *loop, int fd,
                                  const struct share_events *ev);
void share_line_free(struct share_line **l);
/* Send line and a newline, later what does not go now. 0; -CF_FULL: the other
 * side has not read SHARE_OUT_MAX bytes; -CF_CLOSED. */
int share_line_send(struct share_line *l, struct span line);

/* ---- events as lines (share_event.c) ---- */

/* Append {"t":"event",...}. An entry goes by its place alone. */
void share_event_write(struct buf *b, const struct client_event *ev);
/* Read one: texts point into *j, which the caller holds. False: malformed. */
bool share_event_read(struct client_event *ev, const json_t *j);

#endif
