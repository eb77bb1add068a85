#include "pattern_regex.h"

#include <regex.h>
#include <string.h>

#define REGEX_GROUPS 32 /* in groups */
#define EMPTY_WEIGHT 8

/* How large what regcomp() makes of it will be: an atom counts 1, x+ is xx*,
 * x{2,9} is up to nine of x, and what is in parentheses is copied as a whole.
 * Copies of what may be empty count more, since the ways through them are
 * looked for in cubic time. */
struct level {
    long total, last; /* of all, and of the last atom */
    bool last_empty;  /* may it be empty? */
    bool rest_empty;  /* all before it, of this alternative */
    bool other_empty; /* an alternative before this one */
};

struct size {
    struct level levels[REGEX_GROUPS]; /* of each open group */
    int depth;
};

static const struct level nothing_yet = {.last_empty = true,
                                         .rest_empty = true};

static void add_atom(struct level *l, long n, bool empty)
{
    l->total += n;
    l->last = n;
    l->rest_empty = l->rest_empty && l->last_empty;
    l->last_empty = empty;
}

static void repeat_last(struct level *l, long times)
{
    if (l->last_empty)
        times *= EMPTY_WEIGHT;
    l->total += l->last * (times - 1);
    l->last *= times;
}

static void next_alternative(struct level *l)
{
    l->other_empty = l->other_empty || (l->rest_empty && l->last_empty);
    l->rest_empty = l->last_empty = true;
}

static void close_group(struct size *z)
{
    struct level *l = &z->levels[z->depth];

    next_alternative(l);
    if (z->depth > 0)
        z->depth--;
    add_atom(&z->levels[z->depth], l->total + 1, l->other_empty);
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
    struct level *l = &z->levels[z->depth];

    switch (*s) {
    case '(':
        z->levels[++z->depth] = nothing_yet;
        break;
    case ')':
        close_group(z);
        break;
    case '+':
        repeat_last(l, 2);
        break;
    case '{':
        repeat_last(l, largest(s + 1));
        l->last_empty = l->last_empty || s[1] == '0' || s[1] == ',';
        return strchr(s, '}') != NULL ? strchr(s, '}') : s;
    case '[':
        add_atom(l, 1, false);
        return skip_bracket(s);
    case '\\':
        add_atom(l, 1, s[1] != '\0' && strchr("bB<>`'", s[1]) != NULL);
        return s[1] != '\0' ? s + 1 : s;
    case '*':
    case '?':
        l->last_empty = true; /* the last atom stays: a*+ repeats it */
        break;
    case '|':
        next_alternative(l);
        break;
    default:
        add_atom(l, 1, *s == '^' || *s == '$');
    }
    return s;
}

static int bound(const char *regex, struct error *err)
{
    struct size z = {.depth = 0};

    z.levels[0] = nothing_yet;
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
        if (z.levels[z.depth].total > REGEX_MAX_SIZE)
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
