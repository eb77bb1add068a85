#include "report_redact.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define TEXT_MAX (64 << 20)

/* text with secret replaced, on the heap; NULL: it is not there. */
static char *replaced(const char *text, const char *secret)
{
    size_t n = strlen(secret);
    const char *at = strstr(text, secret);
    char *result;
    struct buf b;

    if (n == 0 || at == NULL)
        return NULL;
    buf_init(&b, TEXT_MAX);
    for (; at != NULL; at = strstr(text, secret)) {
        buf_append(&b, text, (size_t)(at - text));
        buf_append_text(&b, "***");
        text = at + n;
    }
    buf_append_text(&b, text);
    result = mem_text_n(b.data, b.len);
    buf_release(&b);
    return result;
}

static void in_text(char **slot, const char *secret)
{
    char *other = *slot != NULL ? replaced(*slot, secret) : NULL;

    if (other == NULL)
        return;
    free(*slot);
    *slot = other;
}

/* Depth is bounded: jansson made the tree from frames that were. */
static void in_json(json_t *j, const char *secret, int depth)
{
    const char *key;
    json_t *value;
    size_t i;

    if (json_is_string(j)) {
        char *other = replaced(json_string_value(j), secret);

        if (other != NULL && json_string_set(j, other) < 0)
            json_string_set(j, "***"); /* it was no UTF-8 */
        free(other);
    }
    if (depth == 0)
        return;
    json_object_foreach(j, key, value) in_json(value, secret, depth - 1);
    json_array_foreach(j, i, value) in_json(value, secret, depth - 1);
}

static void redact(struct test_result *r, const char *secret)
{
    char **texts[] = {&r->message, &r->expected, &r->nearest,
                      &r->log,     &r->reason,   &r->name};

    for (size_t i = 0; i < COUNT_OF(texts); i++)
        in_text(texts[i], secret);
    for (int i = 0; i < r->nsteps; i++)
        in_text(&r->steps[i].name, secret);
    for (int i = 0; i < r->nfurther; i++)
        in_text(&r->further[i].message, secret);
    for (int i = 0; i < r->nnotes; i++)
        in_text(&r->notes[i], secret);
    in_json(r->events, secret, 64);
}

/* As it stands between the quotes of JSON. */
static char *as_json(const char *secret)
{
    struct buf b;
    char *text;

    buf_init(&b, TEXT_MAX);
    json_write_text(&b, span_of(secret));
    text = mem_text_n(b.data + 1, b.len - 2);
    buf_release(&b);
    return text;
}

void report_redact(struct test_result *r, const struct script *s)
{
    for (int i = 0; i < s->nsecrets; i++) {
        char variable[128];
        const char *value;
        char *json;

        snprintf(variable, sizeof(variable), "CONFAB_SECRET_%.100s",
                 s->secrets[i]);
        value = getenv(variable);
        if (value == NULL || value[0] == '\0')
            continue;
        redact(r, value);
        json = as_json(value);
        if (strcmp(json, value) != 0)
            redact(r, json);
        free(json);
    }
}
