/* run_explain.c - what a person needs to see why a test failed. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "run_inside.h"

#define LOG_LAST 40 /* events of each actor in a failure */
#define ID_SHOWN 4  /* last digits of an id */
#define ID_LEAST 12 /* digits that it has at least */

void explain_add(struct test_result *out, const char *fmt, ...)
{
    char text[1024], *whole;
    size_t size;
    va_list args;

    if (out->message == NULL)
        return;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    size = strlen(out->message) + strlen(text) + 4;
    whole = mem_alloc(size);
    snprintf(whole, size, "%s\n  %s", out->message, text);
    free(out->message);
    out->message = whole;
}

static void add_text(struct buf *out, const json_t *v, const char *key,
                     const char *before)
{
    const char *text = json_string_value(json_object_get(v, key));

    if (text == NULL)
        return;
    buf_append_text(out, before);
    buf_append_text(out, text);
}

/* Ids are long and differ at their ends. */
static void shorten(json_t *o, const char *key)
{
    const char *id = json_string_value(json_object_get(o, key));
    size_t n = id != NULL ? strlen(id) : 0;
    char text[16];

    if (n < ID_LEAST || id[0] < '0' || id[0] > '9')
        return; /* a name */
    snprintf(text, sizeof(text), "\xe2\x80\xa6%s", id + n - ID_SHOWN);
    json_object_set_new(o, key, json_string(text));
}

/* message from alice in garden "look" {"id":"\u202602f","seq":2} */
void explain_event(struct buf *out, struct actor *a, const struct event *e)
{
    static const char *const said[] = {"kind", "from", "conv_id",  "is",
                                       "by",   "conv", "text",     "body",
                                       "ts",   "cid",  "encrypted"};
    const json_t *text = json_object_get(e->value, "text");
    json_t *rest = json_copy(e->value);

    buf_append_text(out, see_name(e->kind));
    add_text(out, e->value, "from", " from ");
    add_text(out, e->value, "by", " by ");
    add_text(out, e->value, "conv", " in ");
    add_text(out, e->value, "is", " is ");
    if (json_is_string(text)) {
        buf_append_byte(out, ' ');
        json_write_text(out, span_of(json_string_value(text)));
    }
    for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++)
        json_object_del(rest, said[i]);
    shorten(rest, "id");
    shorten(rest, "of");
    shorten(rest, "reply_to");
    shorten(rest, "thread");
    if (json_object_size(rest) > 0) {
        buf_append_byte(out, ' ');
        json_write(out, rest, false);
    }
    json_decref(rest);
}

void explain_nearest(struct strand *s, const struct stmt *st, struct actor *a,
                     struct buf *out)
{
    int best = -1, points = 1099; /* at least the kind must be right */
    struct error err;
    struct buf why;

    for (int i = 0; i < a->count; i++) {
        int p = see_nearness(s, st, a, &a->events[i]);

        if (p >= points) {
            points = p;
            best = i;
        }
    }
    if (best < 0)
        return;
    explain_event(out, a, &a->events[best]);
    if (a->events[best].consumed)
        buf_append_text(out, "   (taken by an earlier line)");
    buf_init(&why, 4096);
    see_fits(s, st, a, &a->events[best], &why, &err);
    if (why.len > 0) {
        buf_append_text(out, "     ");
        buf_append_text(out, buf_cstr(&why));
    }
    buf_release(&why);
}

static double since_start(const struct actor *a, const struct event *e)
{
    return (double)(e->at_ns - a->stage->began_ns) / 1e9;
}

/* On its way up: nobody needs to see each step. */
static bool dull(const struct event *e)
{
    const char *is = json_string_value(json_object_get(e->value, "is"));

    return e->kind == SEE_LINK && !e->consumed && is != NULL &&
           (strcmp(is, "connecting") == 0 || strcmp(is, "syncing") == 0);
}

/* "*" marks what no line took. */
static void log_of(struct actor *a, struct buf *out)
{
    int from = a->count > LOG_LAST ? a->count - LOG_LAST : 0;

    buf_printf(out, "%s's log", a->name);
    if (from > 0)
        buf_printf(out, "   (%d before)", from);
    for (int i = from; i < a->count; i++) {
        if (dull(&a->events[i]))
            continue;
        buf_printf(out, "\n  +%.3f %c ", since_start(a, &a->events[i]),
                   a->events[i].consumed ? ' ' : '*');
        explain_event(out, a, &a->events[i]);
    }
}

void explain_logs(struct run *r, struct buf *out)
{
    for (int i = 0; i < r->stage.count; i++) {
        if (r->stage.actors[i]->client == NULL)
            continue;
        if (out->len > 0)
            buf_append_byte(out, '\n');
        log_of(r->stage.actors[i], out);
        if (out->len > 256 * 1024)
            break; /* a thousand actors: the artifacts have them all */
    }
}

struct moment {
    const struct actor *actor;
    const struct event *event;
};

static int by_time(const void *a, const void *b)
{
    const struct moment *x = a, *y = b;

    return (x->event->at_ns > y->event->at_ns) -
           (x->event->at_ns < y->event->at_ns);
}

json_t *explain_timeline(struct run *r)
{
    struct moment *all = NULL;
    json_t *out = json_array();
    size_t count = 0;

    for (int i = 0; i < r->stage.count; i++)
        count += (size_t)r->stage.actors[i]->count;
    all = mem_array(count + 1, sizeof(*all));
    count = 0;
    for (int i = 0; i < r->stage.count; i++) {
        struct actor *a = r->stage.actors[i];

        for (int k = 0; k < a->count; k++)
            all[count++] = (struct moment){a, &a->events[k]};
    }
    qsort(all, count, sizeof(*all), by_time);
    for (size_t i = 0; i < count; i++) {
        json_t *v = json_copy(all[i].event->value);

        json_object_set_new(v, "actor", json_string(all[i].actor->name));
        json_object_set_new(
            v, "at_ms",
            json_real(since_start(all[i].actor, all[i].event) * 1000));
        if (!all[i].event->consumed)
            json_object_set_new(v, "unseen", json_true());
        json_array_append_new(out, v);
    }
    free(all);
    return out;
}
