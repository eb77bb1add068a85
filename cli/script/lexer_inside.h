/* lexer_inside.h - for the files of the lexer only. */
#ifndef SCRIPT_LEXER_INSIDE_H
#define SCRIPT_LEXER_INSIDE_H

#include "lexer.h"

/* The token reaches to end; go on behind it. */
struct token lexer_finish(struct lexer *x, struct token t, size_t end);
struct token lexer_start(const struct lexer *x, enum token_kind kind);
struct token lexer_bad(const struct lexer *x, size_t at, const char *why);

/* A number, duration or size that begins where t does. */
struct token lexer_number(struct lexer *x, struct token t);

#endif
