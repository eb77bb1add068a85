/* tty.h - the terminal, and the one door for text from outside. Everything
 * that somebody else wrote (bodies, names, titles, errors of the server, file
 * names) reaches a terminal through tty_put_untrusted() only. Trusted writers
 * take literals of ours. */
#ifndef CLI_TTY_H
#define CLI_TTY_H

#include <stdbool.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/text.h"

enum colour_when { COLOUR_AUTO, COLOUR_ALWAYS, COLOUR_NEVER };

/* Decide once: --color > NO_COLOR > CLICOLOR_FORCE > is it a terminal. */
void tty_init(enum colour_when when);
bool tty_colours(void);
bool tty_is_terminal(void); /* standard output is one */
int tty_columns(void);      /* 80 when unknown */

/* Append remote text to out, made harmless; indent: spaces after newlines of
 * a body. */
void tty_put_untrusted(struct buf *out, enum text_kind kind, struct span s,
                       int indent);

/* Append a literal of ours with an attribute around it, when colours are on.
 */
enum tty_style {
    STYLE_PLAIN,
    STYLE_DIM,
    STYLE_BOLD,
    STYLE_RED,
    STYLE_GREEN,
    STYLE_YELLOW,
    STYLE_BLUE,
    STYLE_CYAN
};
void tty_style(struct buf *out, enum tty_style style);
void tty_style_end(struct buf *out);

/* Write out to stdout (or stderr) whole and clear it. 0, or -CF_IO. */
int tty_flush(struct buf *out, FILE *to);

/* Ask on /dev/tty with echo off. 0; -CF_NOT_FOUND: no terminal; -CF_TOO_BIG. */
int tty_password(const char *prompt, char *out, size_t size);

#endif
