#include "pattern_regex.h"

#include <regex.h>
#include <string.h>

#define REGEX_GROUPS 32 /* in groups */

/* How large what regcomp() makes of it will be: an atom counts 1, x+ is xx*,
 * x{2,9} is up to nine of x, and what is in parentheses is copied as a whole.
 */
struct size {
    long total[REGEX_GROUPS]; /* of each open group */
    long last[REGEX_GROUPS];  /* its last atom */
    int depth;
};

static void add_atom(struct size *z, long n)
{
    z->total[z->depth] += n;
    z->last[z->depth] = n;
}

static void repeat_last(struct size *z, long times)
{
    long *last = &z->last[z->depth];

    z->total[z->depth] += *last * (times - 1);
    *last *= times;
}

/* The largest number in the braces at s, 1 to REGEX_MAX_SIZE + 1. */
static long largest(const char *s)
{
    long most = 1, n = 0;

    for (; *s != '\0' && *s != '}'; s++) {
        n = *s >= '0' && *s <= '9' ? 10 * n + (*s - '0') : 0;
        if (n > REGEX_MAX_SIZE)
            n = REGEX_MAX_SIZE + 1;
        if (n > most)
            most = n;
    }
    return most;
}

/* The last byte of the bracket expression at s. */
static const char *skip_bracket(const char *s)
{
    s++;
    if (*s == '^')
        s++;
    if (*s == ']')
        s++;
    for (; *s != '\0' && *s != ']'; s++)
        if (*s == '[' && (s[1] == ':' || s[1] == '.' || s[1] == '=')) {
            char kind = s[1];

            for (s += 2; *s != '\0' && !(*s == kind && s[1] == ']'); s++)
                ;
            if (*s == '\0')
                break;
            s++;
        }
    return *s == '\0' ? s - 1 : s;
}

/* One element at s; its last byte. */
static const char *weigh(struct size *z, const char *s)
{
    switch (*s) {
    case '(':
        z->depth++;
        z->total[z->depth] = z->last[z->depth] = 0;
        break;
    case ')':
        if (z->depth > 0)
            z->depth--;
        add_atom(z, z->total[z->depth + 1] + 1);
        break;
    case '+':
        repeat_last(z, 2);
        break;
    case '{':
        repeat_last(z, largest(s + 1));
        return strchr(s, '}') != NULL ? strchr(s, '}') : s;
    case '[':
        add_atom(z, 1);
        return skip_bracket(s);
    case '\\':
        add_atom(z, 1);
        return s[1] != '\0' ? s + 1 : s;
    case '*':
    case '?':
    case '|':
        break; /* the last atom stays: a*+ repeats it */
    default:
        add_atom(z, 1);
    }
    return s;
}

static int bound(const char *regex, struct error *err)
{
    struct size z = {.depth = 0};

    if (strlen(regex) > REGEX_MAX)
        return error_set(err, CF_INVALID, "a regex of more than %d bytes",
                         REGEX_MAX);
    for (const char *s = regex; *s != '\0'; s++) {
        if (*s == '\\' && s[1] >= '1' && s[1] <= '9')
            return error_set(err, CF_INVALID,
                             "a back reference in a regex; there are none");
        if (z.depth == REGEX_GROUPS - 1)
            return error_set(err, CF_INVALID, "more than %d groups in groups",
                             REGEX_GROUPS - 2);
        s = weigh(&z, s);
        if (z.total[z.depth] > REGEX_MAX_SIZE)
            return error_set(err, CF_INVALID,
                             "the repetitions of this regex multiply to more "
                             "than %d",
                             REGEX_MAX_SIZE);
    }
    return 0;
}

static int compile(regex_t *r, const char *regex, struct error *err)
{
    char why[100];
    int rc = bound(regex, err);

    if (rc < 0)
        return rc;
    rc = regcomp(r, regex, REG_EXTENDED | REG_NOSUB);
    if (rc == 0)
        return 0;
    regerror(rc, r, why, sizeof(why));
    return error_set(err, CF_INVALID, "bad regex: %s", why);
}

int regex_check(const char *regex, struct error *err)
{
    regex_t r;
    int rc = compile(&r, regex, err);

    if (rc == 0)
        regfree(&r);
    return rc;
}

int regex_search(const char *regex, const char *text, struct error *err)
{
    regex_t r;
    int rc = compile(&r, regex, err);

    if (rc < 0)
        return rc;
    rc = regexec(&r, text, 0, NULL, 0);
    regfree(&r);
    return rc == 0;
}

int regex_quote(struct buf *out, const char *text)
{
    int rc = 0;

    for (; rc == 0 && *text != '\0'; text++) {
        if (strchr("\\^$.|?*+()[]{}", *text) != NULL)
            rc = buf_append_byte(out, '\\');
        if (rc == 0)
            rc = buf_append_byte(out, *text);
    }
    return rc;
}
