/* front.h - where a chat is read and shown: Readline on a terminal (input.c),
 * or plain lines (plain_reader.c). A front is made by one of the two and used
 * through its kind. */
#ifndef CLI_FRONT_H
#define CLI_FRONT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/loop.h"

struct front;

/* A word that may stand where the cursor is. */
typedef void front_word_fn(void *to, const char *word);

/* What the person did. line: without its newline, may have newlines inside.
 * end: end of input. key: keys came; draft is what is typed so far. next: the
 * person asks for the next unread conversation. complete: call add for each
 * word that may replace what begins at byte `word` of line. */
struct front_events {
    void (*line)(void *ctx, struct span text);
    void (*end)(void *ctx);
    void (*key)(void *ctx, struct span draft);
    void (*next)(void *ctx);
    void (*complete)(void *ctx, struct span line, size_t word,
                     front_word_fn *add, void *to);
    void *ctx;
};

struct front_kind {
    /* Show whole lines (each ends with a newline); lines is cleared. */
    void (*print)(struct front *f, struct buf *lines);
    /* What stands before the cursor from now on. */
    void (*prompt)(struct front *f, struct span text);
    /* Take the half-typed line into old and put text in its place. */
    void (*draft)(struct front *f, struct buf *old, struct span text);
    /* False while the process is stopped or in the background. */
    bool (*visible)(const struct front *f);
    /* Begin to read. */
    void (*listen)(struct front *f);
    /* Leave the terminal as it was found. Safe any number of times. */
    void (*close)(struct front *f);
    void (*free)(struct front **f);
};

struct front {
    const struct front_kind *kind;
};

/* input.c: Readline. history: file of the lines typed before (0600). */
struct front *input_new(struct loop *l, const struct front_events *ev,
                        const char *history);
/* plain_reader.c: lines of standard input, lines of standard output. */
struct front *plain_new(struct loop *l, const struct front_events *ev);

/* A descriptor of its own for standard input, non-blocking, so that the flag
 * is not forced on other programs that share the terminal. -1: standard input
 * has to be used as it is. The caller closes it. */
int front_stdin(void);

#endif
