#include "pattern_regex.h"

#include <regex.h>
#include <string.h>

/* The largest number in the braces at s, at least 1. */
static long largest(const char *s)
{
    long most = 1, n = 0;

    for (; *s != '\0' && *s != '}'; s++) {
        if (*s >= '0' && *s <= '9')
            n = n > REGEX_MAX_REPEAT ? n : 10 * n + (*s - '0');
        else
            n = 0;
        if (n > most)
            most = n;
    }
    return most;
}

static int bound(const char *regex, struct error *err)
{
    long product = 1;

    if (strlen(regex) > REGEX_MAX)
        return error_set(err, CF_INVALID, "a regex of more than %d bytes",
                         REGEX_MAX);
    for (const char *s = regex; *s != '\0'; s++) {
        if (*s == '\\' && s[1] >= '1' && s[1] <= '9')
            return error_set(err, CF_INVALID,
                             "a back reference in a regex; there are none");
        if (*s == '\\' && s[1] != '\0')
            s++;
        else if (*s == '{')
            product *= largest(s + 1);
        if (product > REGEX_MAX_REPEAT)
            return error_set(err, CF_INVALID,
                             "repetitions that multiply to more than %d",
                             REGEX_MAX_REPEAT);
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
