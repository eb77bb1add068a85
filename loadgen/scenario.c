#include "scenario.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "scenario_check.h"
#include "scenario_field.h"
#include "toml.h"

#define STRUCTURE 65536 /* separators in a scenario as JSON */

/* ---- --set a.b=c ---- */

/* The value as TOML would read it, else as text. */
static json_t *value_of(const char *text)
{
    struct toml t;
    struct buf b;
    json_t *v;

    buf_init(&b, TOML_BYTES);
    buf_printf(&b, "v = %s", text);
    if (strchr(text, '\n') == NULL &&
        toml_parse(&t, "", buf_span(&b), NULL) == 0) {
        v = json_incref(json_object_get(t.root, "v"));
        toml_release(&t);
    } else {
        v = text_is_utf8(span_of(text)) ? json_string(text) : NULL;
    }
    buf_release(&b);
    return v;
}

/* The element of a list that word names: its index, its name or its kind. */
static json_t *element_of(json_t *list, const char *word)
{
    size_t i;
    json_t *v;

    if (word[0] >= '0' && word[0] <= '9') {
        i = strtoul(word, NULL, 10);
        if (i == json_array_size(list))
            json_array_append_new(list, json_object());
        return json_array_get(list, i);
    }
    json_array_foreach(list, i, v)
    {
        const char *name = json_string_value(json_object_get(v, "name"));

        if (name == NULL)
            name = json_string_value(json_object_get(v, "kind"));
        if (name != NULL && strcmp(name, word) == 0)
            return v;
    }
    return NULL;
}

static json_t *go_in(json_t *in, const char *word)
{
    json_t *next;

    if (json_is_array(in))
        return element_of(in, word);
    next = json_object_get(in, word);
    if (next == NULL && json_is_object(in)) {
        next = strcmp(word, "traffic") == 0 ? json_array() : json_object();
        json_object_set_new(in, word, next);
    }
    return json_is_object(next) || json_is_array(next) ? next : NULL;
}

static int apply_set(json_t *tree, const char *set, struct set_value *done,
                     struct error *err)
{
    const char *equals = strchr(set, '='), *key = set;
    json_t *in = tree, *value;
    char word[128];

    if (equals == NULL || equals == set)
        return error_set(err, CF_INVALID,
                         "--set %.60s: write it as table.key=value", set);
    /* The keys of thresholds have dots of their own. */
    while (in != NULL && memchr(key, '.', (size_t)(equals - key)) != NULL &&
           !(key > set && strncmp(set, "thresholds.", 11) == 0)) {
        size_t n = strcspn(key, ".");

        snprintf(word, sizeof(word), "%.*s", (int)n, key);
        in = go_in(in, word);
        key += n + 1;
    }
    if (!json_is_object(in))
        return error_set(err, CF_INVALID,
                         "--set %.60s: there is no '%s'; confab-load scenarios "
                         "show lists what is",
                         set, word);
    snprintf(word, sizeof(word), "%.*s", (int)(equals - key), key);
    value = value_of(equals + 1);
    if (value == NULL || json_object_set_new(in, word, value) < 0)
        return error_set(err, CF_INVALID, "--set %.60s: not UTF-8", set);
    *done = (struct set_value){.in = in, .key = mem_text(word), .text = set};
    return 0;
}

/* ---- reading ---- */

static bool is_json(struct span text)
{
    size_t i = 0;

    while (i < text.n && strchr(" \t\r\n", text.p[i]) != NULL && text.p[i])
        i++;
    return i < text.n && text.p[i] == '{';
}

/* ---- records of arrivals ---- */

/* Beside the scenario, unless it is an absolute path. */
static char *path_beside(const char *source, const char *file)
{
    const char *slash = strrchr(source, '/');
    struct buf b;
    char *path;

    buf_init(&b, TOML_BYTES);
    if (file[0] != '/' && slash != NULL)
        buf_append(&b, source, (size_t)(slash + 1 - source));
    buf_append_text(&b, file);
    path = mem_text(buf_cstr(&b));
    buf_release(&b);
    return path;
}

static int read_record(struct reader *r, const json_t *j, struct traffic *t)
{
    char *path = path_beside(r->source, t->file);
    struct error why = {0};
    int rc = record_read(&t->record, path, &why);

    free(path);
    if (rc == -CF_NOT_FOUND)
        return field_fail(r, j, "file", true, "%s", why.text);
    if (rc < 0)
        return error_set(r->err, -rc, "%s", why.text);
    if (json_object_get(j, "rate") == NULL)
        t->rate = t->record->rate;
    return 0;
}

static int read_records(struct reader *r, const json_t *tree,
                        struct scenario *s)
{
    const json_t *list = json_object_get(tree, "traffic");
    int rc = 0;

    for (int i = 0; rc == 0 && r->files && i < s->ntraffic; i++)
        if (s->traffic[i].arrivals == ARRIVE_RECORDED)
            rc =
                read_record(r, json_array_get(list, (size_t)i), &s->traffic[i]);
    if (rc < 0)
        scenario_release(s);
    return rc;
}

void scenario_release(struct scenario *s)
{
    for (int i = 0; i < s->ntraffic; i++) {
        record_free(s->traffic[i].record);
        s->traffic[i].record = NULL;
    }
}

static int interpret(struct reader *r, const json_t *tree, struct scenario *s)
{
    int rc;

    scenario_defaults(s);
    rc = fields_read(r, scenario_fields, tree, s);
    if (rc < 0)
        return rc;
    scenario_name_traffic(s);
    rc = scenario_check(r, tree, s);
    return rc < 0 ? rc : read_records(r, tree, s);
}

static int with_sets(struct reader *r, json_t *tree, struct scenario *s,
                     const char *const *sets, int nsets)
{
    struct set_value *done = mem_array((size_t)nsets + 1, sizeof(*done));
    int rc = 0, n = 0;

    while (rc == 0 && n < nsets) {
        rc = apply_set(tree, sets[n], &done[n], r->err);
        n += rc == 0;
    }
    r->sets = done;
    r->nsets = n;
    if (rc == 0)
        rc = interpret(r, tree, s);
    for (int i = 0; i < n; i++)
        free(done[i].key);
    free(done);
    return rc;
}

static int parse(struct scenario *s, struct reader *r, struct span text,
                 const char *const *sets, int nsets)
{
    struct error why = {0};
    struct toml t;
    json_t *tree;
    int rc;

    if (is_json(text)) {
        tree = text.n <= TOML_BYTES
                   ? json_parse_bounded(text, TOML_DEPTH, STRUCTURE, &why)
                   : NULL;
        if (tree == NULL)
            return error_set(r->err, CF_INVALID, "%s: %s", r->source,
                             why.text[0] != '\0' ? why.text : "too large");
        rc = with_sets(r, tree, s, sets, nsets);
        json_decref(tree);
        return rc;
    }
    rc = toml_parse(&t, r->source, text, r->err);
    if (rc < 0)
        return rc;
    r->toml = &t;
    rc = with_sets(r, t.root, s, sets, nsets);
    r->toml = NULL;
    toml_release(&t);
    return rc;
}

int scenario_parse(struct scenario *s, const char *source, struct span text,
                   const char *const *sets, int nsets, struct error *err)
{
    struct reader r = {.source = source, .err = err};

    return parse(s, &r, text, sets, nsets);
}

int scenario_from_json(struct scenario *s, const json_t *j, struct error *err)
{
    struct reader r = {.source = "scenario", .err = err};

    if (!json_is_object(j))
        return error_set(err, CF_INVALID, "a scenario is an object");
    return interpret(&r, j, s);
}

json_t *scenario_json(const struct scenario *s)
{
    return fields_write(scenario_fields, s);
}

/* ---- files ---- */

static int read_file(const char *path, struct buf *b, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = 1;

    if (fd < 0)
        return error_set(err, CF_NOT_FOUND, "%s: %s", path, strerror(errno));
    while (n > 0) {
        char *room = buf_reserve(b, 4096);

        if (room == NULL) {
            close(fd);
            return error_set(err, CF_TOO_BIG, "%s: more than %d bytes", path,
                             TOML_BYTES);
        }
        n = read(fd, room, 4096);
        b->len += n > 0 ? (size_t)n : 0;
    }
    if (n < 0)
        error_set(err, CF_IO, "%s: %s", path, strerror(errno));
    close(fd);
    return n < 0 ? -CF_IO : 0;
}

static int no_such(const char *name, struct error *err)
{
    const struct builtin_scenario *all = scenario_builtins();
    const char *names[64], *near;
    int n = 0;

    for (; all[n].name != NULL && n < 63; n++)
        names[n] = all[n].name;
    names[n] = NULL;
    near = text_nearest(name, names);
    if (near != NULL)
        return error_set(err, CF_NOT_FOUND,
                         "no scenario or file '%s', did you mean '%s'?", name,
                         near);
    return error_set(err, CF_NOT_FOUND,
                     "no scenario or file '%s'; confab-load scenarios lists "
                     "them",
                     name);
}

int scenario_load(struct scenario *s, const char *name_or_file,
                  const char *const *sets, int nsets, struct error *err)
{
    struct reader r = {.source = name_or_file, .files = true, .err = err};
    struct buf b;
    int rc;

    for (const struct builtin_scenario *k = scenario_builtins();
         k->name != NULL; k++)
        if (strcmp(k->name, name_or_file) == 0)
            return parse(s, &r, span_of(k->toml), sets, nsets);
    if (strpbrk(name_or_file, "./") == NULL && access(name_or_file, F_OK) < 0)
        return no_such(name_or_file, err);
    buf_init(&b, TOML_BYTES + 4096);
    rc = read_file(name_or_file, &b, err);
    if (rc == 0)
        rc = parse(s, &r, buf_span(&b), sets, nsets);
    buf_release(&b);
    return rc;
}
