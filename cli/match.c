#include "match.h"

#include <stdlib.h>
#include <string.h>

#include "out.h"
#include "proto/limits.h"

int match_compile(struct cli *c, struct match *m, const char *text)
{
    m->text = text;
    if (text == NULL || text[0] != '~')
        return 0;
    if (regcomp(&m->re, text + 1, REG_EXTENDED | REG_NOSUB) != 0)
        return cli_fail(c, EXIT_USAGE, NULL, "'%s': not an expression",
                        text + 1);
    m->has_re = true;
    return 0;
}

void match_release(struct match *m)
{
    if (m->has_re)
        regfree(&m->re);
    free(m->convs);
    *m = (struct match){0};
}

static bool in_list(const char *list, const char *word)
{
    size_t n = strlen(word);

    for (const char *at = list; *at != '\0'; at += strcspn(at, ",")) {
        at += *at == ',';
        if (strncmp(at, word, n) == 0 && (at[n] == '\0' || at[n] == ','))
            return true;
    }
    return false;
}

static bool text_fits(const struct match *m, const struct entry *e)
{
    struct buf text;
    bool fits;

    if (m->text == NULL)
        return true;
    if (e == NULL)
        return false;
    buf_init(&text, LIMIT_OBJECT_ENC);
    out_body_text(&text, e);
    fits = buf_cstr(&text) != NULL &&
           (m->has_re ? regexec(&m->re, text.data, 0, NULL, 0) == 0
                      : strstr(text.data, m->text) != NULL);
    buf_release(&text);
    return fits;
}

bool match_event(struct cli *c, const struct match *m,
                 const struct client_event *ev)
{
    const char *kind = out_event_name(ev);
    char name[LIMIT_NAME + 1];
    bool there = m->conv_count == 0;

    if (kind == NULL || (m->kinds != NULL && !in_list(m->kinds, kind)))
        return false;
    for (int i = 0; i < m->conv_count && !there; i++)
        there = m->convs[i] == ev->conv;
    if (!there)
        return false;
    if (m->from != NULL) {
        out_user_name(c, ev->user, name);
        if (strcmp(name, m->from) != 0)
            return false;
    }
    return text_fits(m, ev->entry);
}
