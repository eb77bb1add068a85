/* pattern_regex.h - POSIX extended expressions, bounded: no back references,
 * and repetitions that come to a small number, so that compiling and
 * matching take time and memory that follow from the length. */
#ifndef SCRIPT_PATTERN_REGEX_H
#define SCRIPT_PATTERN_REGEX_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"

#define REGEX_MAX 1000      /* bytes of an expression */
#define REGEX_MAX_SIZE 2000 /* atoms, when what repeats is written out */

/* Can it be used? 0, or -CF_INVALID with the reason alone in *err. */
int regex_check(const char *regex, struct error *err);

/* Is it found in text? 1, 0, or as regex_check(). */
int regex_search(const char *regex, const char *text, struct error *err);

/* Append text so that it matches itself. */
int regex_quote(struct buf *out, const char *text);

#endif
