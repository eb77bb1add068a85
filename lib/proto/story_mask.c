/* What looks like a secret does not get into a recording. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "proto/story.h"

#define SECRETS_MAX 1000
#define TOKEN_MIN 16 /* characters behind "cfb_" */
#define WORD_MIN 4   /* of what follows "password:" */

static bool is_token(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-';
}

static bool starts(struct span s, size_t at, const char *word)
{
    size_t n = strlen(word);

    return s.n - at >= n && strncasecmp(s.p + at, word, n) == 0;
}

static size_t run_of(struct span s, size_t at, bool (*fits)(char c))
{
    size_t n = 0;

    while (at + n < s.n && fits(s.p[at + n]))
        n++;
    return n;
}

static bool is_solid(char c)
{
    return !isspace((unsigned char)c) && c != '"' && c != '\'' && c != ',' &&
           c != ';' && c != '}' && c != ')' && c != '&';
}

static bool is_userinfo(char c)
{
    return !isspace((unsigned char)c) && c != '/' && c != '@' && c != ':';
}

/* "password: hunter2", "password is hunter2": where the secret begins behind
 * the word at `at`; 0: there is none. */
static size_t after_word(struct span s, size_t at, size_t word)
{
    size_t to = at + word, gap = 0;
    bool marked = false;

    if (at > 0 && isalnum((unsigned char)s.p[at - 1]))
        return 0;
    if (starts(s, to, " is ") || starts(s, to, " is:")) {
        to += 3;
        marked = true;
    }
    while (to < s.n && gap < 4 && strchr(" :=\"'\t", s.p[to]) != NULL) {
        marked = marked || s.p[to] == ':' || s.p[to] == '=';
        to++;
        gap++;
    }
    if (gap == 0 || (!marked && !starts(s, at, "bearer")))
        return 0;
    return to;
}

static size_t named_secret(struct span s, size_t at, size_t *from)
{
    static const char *const words[] = {
        "password", "passwd", "passphrase", "secret",  "token",
        "api_key",  "apikey", "api-key",    "bearer ", NULL};

    for (int i = 0; words[i] != NULL; i++) {
        size_t n = strlen(words[i]), to;

        if (!starts(s, at, words[i]))
            continue;
        if (words[i][n - 1] == ' ')
            n--;
        to = after_word(s, at, n);
        if (to == 0 || run_of(s, to, is_solid) < WORD_MIN)
            continue;
        *from = to;
        return run_of(s, to, is_solid);
    }
    return 0;
}

/* "//user:password@host" */
static size_t url_secret(struct span s, size_t at, size_t *from)
{
    size_t user, pass;

    if (!starts(s, at, "//"))
        return 0;
    user = run_of(s, at + 2, is_userinfo);
    *from = at + 2 + user + 1;
    if (*from >= s.n || s.p[*from - 1] != ':')
        return 0;
    pass = run_of(s, *from, is_userinfo);
    return *from + pass < s.n && s.p[*from + pass] == '@' ? pass : 0;
}

static size_t private_key(struct span s, size_t at)
{
    const char *end, *p = s.p + at;
    size_t left = s.n - at;

    if (!starts(s, at, "-----BEGIN ") ||
        memmem(p, left < 60 ? left : 60, "PRIVATE KEY", 11) == NULL)
        return 0;
    end = memmem(p, left, "-----END ", 9);
    if (end == NULL)
        return left;
    end = memchr(end + 9, '\n', left - (size_t)(end + 9 - p));
    return end != NULL ? (size_t)(end - p) : left;
}

/* The length of a secret that begins at or soon after `at`, where *from says;
 * 0: none. */
static size_t secret_at(struct span s, size_t at, size_t *from)
{
    size_t n;

    *from = at;
    if (starts(s, at, "cfb_")) {
        n = run_of(s, at, is_token);
        if (n >= 4 + TOKEN_MIN)
            return n;
    }
    n = private_key(s, at);
    if (n == 0)
        n = url_secret(s, at, from);
    return n > 0 ? n : named_secret(s, at, from);
}

static int number_of(struct story_secrets *known, struct span secret)
{
    for (int i = 0; i < known->count; i++)
        if (span_is(secret, known->texts[i]))
            return i + 1;
    if (known->count >= SECRETS_MAX)
        return 0;
    known->texts =
        mem_grow(known->texts, (size_t)known->count + 1, sizeof(*known->texts));
    known->texts[known->count++] = mem_text_n(secret.p, secret.n);
    return known->count;
}

void story_mask(struct buf *out, struct span text, struct story_secrets *known)
{
    size_t at = 0, from, n;

    while (at < text.n) {
        n = secret_at(text, at, &from);
        if (n == 0) {
            buf_append_byte(out, text.p[at++]);
            continue;
        }
        buf_append(out, text.p + at, from - at);
        buf_printf(out, "[secret %d]",
                   number_of(known, span_make(text.p + from, n)));
        at = from + n;
    }
}

void story_secrets_free(struct story_secrets *known)
{
    for (int i = 0; i < known->count; i++) {
        explicit_bzero(known->texts[i], strlen(known->texts[i]));
        free(known->texts[i]);
    }
    free(known->texts);
    *known = (struct story_secrets){0};
}
