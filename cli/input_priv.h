/* input_priv.h - the inside of the Readline front, for input*.c only. */
#ifndef CLI_INPUT_PRIV_H
#define CLI_INPUT_PRIV_H

#include <stdbool.h>

#include "front.h"
#include "pump.h"

struct input {
    struct front front;
    struct loop *loop;
    struct front_events ev;
    struct pump *pump;
    int fd;
    char *history;
    struct buf pending;        /* lines to show */
    struct buf prompt;         /* as Readline wants it */
    struct buf next;           /* to begin the next line with */
    struct buf held;           /* a long paste: what to do with it is asked */
    struct loop_timer *resume; /* in the background: look again */
    int lost;                  /* shows that did not fit into pending */
    bool prompt_changed, posted, between, stopped, asking, closed;
    char **words; /* of a completion */
    int word_count, word_next;
};

extern struct input *the_input; /* Readline is one per process */

/* input.c */
void input_flush(struct input *in);
void input_flush_soon(struct input *in);
void input_write_pending(struct input *in);
/* Readline is in a mode that has a prompt of its own (Ctrl-R). */
bool input_other_prompt(void);

/* input_tty.c: the terminal as it was, stops, other sizes. */
void tty_remember(void);
void tty_prepare(int meta); /* for Readline */
void tty_restore(void);     /* from a signal handler too */
void input_watch_signals(struct input *in);
void input_come_back(void *arg); /* to the foreground */

/* input_paste.c */
void input_paste(void *ctx, struct span text, bool cut);
void input_answer(struct input *in); /* a key, while a question is open */

/* input_complete.c */
char **input_complete(const char *text, int start, int end);
void input_show_matches(char **matches, int count, int longest);

#endif
