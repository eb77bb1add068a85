/* text.h - UTF-8, and the one filter for text from outside (utf8proc behind
 * one door). */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

bool text_is_utf8(struct span s);

/* Decode one code point at s.p[*at]; advances *at. -1 on a bad sequence (then
 * *at moves by one byte). */
int32_t text_next(struct span s, size_t *at);

/* Columns a terminal uses for one code point: 0, 1 or 2; -1 for controls. */
int text_width(int32_t cp);

enum text_kind {
    TEXT_BODY, /* newlines and tabs stay, FSI..PDI around, 40 lines shown */
    TEXT_LINE, /* one line: newlines escaped too; log, errors, titles */
    TEXT_NAME, /* NFC, 32 columns, no bidi controls, zero-width or BOM */
};

/* Append what may be shown of s: invalid UTF-8 becomes U+FFFD; C0 (in a body
 * except newline and tab), DEL and C1 become visible escapes (^[ , ^G, \x9b);
 * U+2028/2029 are newlines; more than 8 combining marks on a base are cut; a
 * body is wrapped in FSI..PDI with its embedded controls balanced, and cut at
 * 40 lines with "... N more lines". indent: spaces put after each newline.
 * mark_escapes: NULL, or the pair {on, off} put around visible escapes
 * (reverse video). 0 or -CF_TOO_BIG. */
int text_sanitise(struct buf *out, enum text_kind kind, struct span s,
                  int indent, const char *const mark_escapes[2]);

/* The word of the list nearest to word (Damerau-Levenshtein <= 2 and less
 * than half its length), or NULL. words ends with NULL. */
const char *text_nearest(const char *word, const char *const *words);

/* Compare two names after NFKC case folding. */
bool text_same_name(struct span a, struct span b);

#endif
