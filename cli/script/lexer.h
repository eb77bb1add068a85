/* lexer.h - the words of a conversation script, one at a time. */
#ifndef SCRIPT_LEXER_H
#define SCRIPT_LEXER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

#define LEXER_NAME_MAX 64 /* bytes of a name or a variable */
#define LEXER_NEST 32     /* strings in ${...} in strings ... */

enum token_kind {
    TOKEN_END,
    TOKEN_NEWLINE,  /* the end of a line, or ";" */
    TOKEN_COMMENT,  /* only when asked for */
    TOKEN_NAME,     /* alice; user${i} when is_template */
    TOKEN_VAR,      /* $q; raw with the dollar */
    TOKEN_TEXT,     /* "..." with its quotes, escapes not decoded */
    TOKEN_NUMBER,   /* number, or real when is_real */
    TOKEN_DURATION, /* number: ms */
    TOKEN_SIZE,     /* number: bytes a second */
    TOKEN_SIGN,     /* one of { } ( ) [ ] , : . .. ~ = == != < <= > >= + - * / %
                     */
    TOKEN_BAD       /* why says what is wrong at the place */
};

struct token {
    enum token_kind kind;
    struct span raw; /* in the text */
    int line, column;
    int64_t number;
    double real;
    bool is_real, is_template;
    const char *why;
};

struct lexer {
    struct span text;
    size_t at, line_start;
    int line;
    bool comments; /* give them out as tokens */
    bool fields;   /* names are those of variables: no "-" and "." inside */
    bool after_dot;
};

/* Begin at the first byte; a byte order mark is skipped. The text must be
 * UTF-8 without NUL (lexer_check) and outlive the lexer. */
void lexer_init(struct lexer *x, struct span text);

/* The next token. After TOKEN_END and TOKEN_BAD comes the same again. */
struct token lexer_next(struct lexer *x);

/* The rest of a line as words, as a shell would take them: up to a blank, or
 * within quotes. TOKEN_NAME, TOKEN_TEXT, TOKEN_NEWLINE, TOKEN_END or
 * TOKEN_BAD. */
struct token lexer_word(struct lexer *x);

/* Is every byte one that may stand in a script? If not *t is the place. */
bool lexer_check(struct span text, struct token *t);

bool token_is(const struct token *t, const char *raw);

/* How a person calls it: "'sends'", "the end of the line". Into out. */
void token_show(const struct token *t, char *out, size_t size);

#endif
