/* pump.h - what a person types, before Readline sees it. Readline's own paste
 * handling waits for the end of a paste and stops the whole program when it
 * does not come; here a paste is collected aside while everything goes on.
 *
 * A newline that arrives in the middle of a burst is text, not Enter: text
 * that closes the paste by itself (ESC[201~ inside) cannot send a line. */
#ifndef CLI_PUMP_H
#define CLI_PUMP_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/loop.h"

#define PUMP_PASTE_MAX (64 * 1024) /* bytes of one paste; the rest is cut */
#define PUMP_PASTE_MS 2000         /* without a byte: the paste is over */
#define PUMP_QUIET_MS 100          /* the same for an unmarked burst */
#define PUMP_ESCAPE_MS 50          /* a lone ESC waits for the rest */

struct pump;

struct pump_events {
    void (*keys)(void *ctx); /* bytes wait: pump_take() */
    /* A paste, made harmless by pump_clean(); cut: it was too long. */
    void (*paste)(void *ctx, struct span text, bool cut);
    void (*end)(void *ctx); /* end of file */
    void *ctx;
};

/* fd: -1 for a pump that is only fed. Does not take the descriptor over. */
struct pump *pump_new(struct loop *l, int fd, const struct pump_events *ev);
void pump_free(struct pump **p);

/* One read's worth of bytes. */
void pump_feed(struct pump *p, struct span bytes);

/* Stop reading, or go on. */
void pump_pause(struct pump *p, bool on);

bool pump_ready(const struct pump *p);
int pump_take(struct pump *p); /* -1: nothing waits */
int pump_waiting(const struct pump *p);
void pump_push(struct pump *p, struct span keys); /* as if typed */

/* Append text without control bytes and escape sequences: newlines become
 * \n, tabs stay, bad UTF-8 becomes U+FFFD. 0 or -CF_TOO_BIG. */
int pump_clean(struct buf *out, struct span s);

#endif
