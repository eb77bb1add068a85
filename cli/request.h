/* request.h - commands that are one request and its answer. */
#ifndef CLI_REQUEST_H
#define CLI_REQUEST_H

#include "base/json.h"
#include "cli.h"

typedef void request_show_fn(struct cli *c, const json_t *answer);

/* Open a session, send one request once it is up, show the answer, leave.
 * Returns the exit code; errors of the server are told. show may be NULL. */
int request_once(struct cli *c, enum frame_kind kind, struct buf *members,
                 request_show_fn *show);
/* The same for an answer that comes in pages with a cursor. */
int request_pages(struct cli *c, enum frame_kind kind, request_show_fn *show);
/* Put "dev" of the account in use into members. */
void request_own_device(struct cli *c, struct buf *members);

/* Open a session and call ready(ctx) once it is up (or fail); what is ready()
 * goes on until session_end(). */
int request_session(struct cli *c, void (*ready)(void *ctx),
                    client_event_fn *event, void *ctx);
/* f is the answer, NULL: none came. Tell an error (or the absence) and end the
 * session with the code that fits. */
void request_failed(struct cli *c, const struct frame *f);
/* The `ok` answer as a tree; NULL after request_failed(). */
json_t *request_tree(struct cli *c, const struct frame *f);

#endif
