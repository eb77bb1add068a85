#include "base/options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

#define FILE_LINE_MAX 4096 /* bytes of a line of a configuration file */

static int row_count(const struct option *table)
{
    int n = 0;

    while (table[n].name != NULL)
        n++;
    return n;
}

static void *field(const struct options *o, int row)
{
    return (char *)o->target + o->table[row].offset;
}

/* Keep p until options_release(). */
static void *own(struct options *o, void *p)
{
    int n = o->owned_count;

    if ((n & (n - 1)) == 0) /* full at each power of two */
        o->owned =
            mem_grow(o->owned, n > 0 ? 2 * (size_t)n : 1, sizeof(*o->owned));
    o->owned[o->owned_count++] = p;
    return p;
}

static int row_of(const struct options *o, const char *name)
{
    for (int i = 0; o->table[i].name != NULL; i++) {
        if (strcmp(o->table[i].name, name) == 0)
            return i;
    }
    return -1;
}

static int row_of_letter(const struct options *o, char letter)
{
    for (int i = 0; o->table[i].name != NULL; i++) {
        if (o->table[i].letter != 0 && o->table[i].letter == letter)
            return i;
    }
    return -1;
}

/* The known name nearest to an unknown one, or NULL. */
static const char *nearest(const struct options *o, const char *name,
                           bool in_file)
{
    const char **names =
        mem_array((size_t)row_count(o->table) + 1, sizeof(*names));
    const char *found;
    int n = 0;

    for (int i = 0; o->table[i].name != NULL; i++) {
        if (o->table[i].in_file || !in_file)
            names[n++] = o->table[i].name;
    }
    found = text_nearest(name, names);
    free(names);
    return found;
}

static int bad_value(struct error *err, const char *where, const char *value,
                     const char *expected)
{
    return error_set(err, CF_INVALID, "%s: '%s' is not %s", where, value,
                     expected);
}

static int parse_number(const char *text, int64_t *v, char **end)
{
    intmax_t n;

    if (!((*text >= '0' && *text <= '9') || *text == '-'))
        return -CF_INVALID;
    errno = 0;
    n = strtoimax(text, end, 10);
    if (errno != 0 || *end == text)
        return -CF_INVALID;
    *v = n;
    return 0;
}

static int parse_int(const char *text, int64_t *v)
{
    char *end;

    if (parse_number(text, v, &end) < 0 || *end != '\0')
        return -CF_INVALID;
    return 0;
}

static int parse_size(const char *text, int64_t *v)
{
    static const char units[] = "kMG";
    const char *unit;
    char *end;

    if (parse_number(text, v, &end) < 0 || *v < 0)
        return -CF_INVALID;
    if (*end == '\0')
        return 0;
    unit = strchr(units, *end);
    if (unit == NULL || end[1] != '\0' ||
        __builtin_mul_overflow(*v, INT64_C(1) << (10 * (unit - units + 1)), v))
        return -CF_INVALID;
    return 0;
}

static int parse_flag(const char *text, bool *on)
{
    static const char *const yes[] = {"yes", "true", "on", "1"};
    static const char *const no[] = {"no", "false", "off", "0"};

    for (size_t i = 0; i < COUNT_OF(yes); i++) {
        if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0) {
            *on = strcmp(text, yes[i]) == 0;
            return 0;
        }
    }
    return -CF_INVALID;
}

static bool is_choice(const char *choices, const char *value)
{
    size_t n = strlen(value), part;

    for (;; choices += part + 1) {
        part = strcspn(choices, "|");
        if (n == part && strncmp(choices, value, n) == 0)
            return true;
        if (choices[part] == '\0')
            return false;
    }
}

static int parse_bounded(const struct option *row, const char *where,
                         const char *value, int64_t *v, struct error *err)
{
    static const char *const expected[] = {
        [OPT_INT] = "a whole number",
        [OPT_COUNT] = "a whole number",
        [OPT_DURATION] = "a duration such as 250ms, 2s, 5m, 1h or 7d",
        [OPT_SIZE] = "a size such as 4096, 64k, 10M or 1G",
    };
    int rc;

    if (row->type == OPT_DURATION)
        rc = clock_parse_duration(value, v);
    else if (row->type == OPT_SIZE)
        rc = parse_size(value, v);
    else
        rc = parse_int(value, v);
    if (rc < 0)
        return bad_value(err, where, value, expected[row->type]);
    if ((row->min != 0 || row->max != 0) && (*v < row->min || *v > row->max))
        return error_set(err, CF_INVALID,
                         "%s: '%s' is not from %" PRId64 " to %" PRId64 "%s",
                         where, value, row->min, row->max,
                         row->type == OPT_DURATION ? " ms" : "");
    return 0;
}

/* Arrays grow at each power of two; the old ones stay owned, so that nobody
 * needs the target to release them. */
static void add_item(struct options *o, struct option_list *list,
                     const char *item)
{
    int n = list->count;
    const char **items;

    if ((n & (n - 1)) == 0) {
        items = own(o, mem_array(n > 0 ? 2 * (size_t)n : 1, sizeof(*items)));
        for (int i = 0; i < n; i++)
            items[i] = list->items[i];
        list->items = items;
    }
    list->items[list->count++] = item;
}

static void store_text(struct options *o, int row, const char *value,
                       bool first)
{
    char *copy = own(o, mem_text(value));
    struct option_list *list = field(o, row);

    if (o->table[row].type != OPT_LIST) {
        *(const char **)field(o, row) = copy;
        return;
    }
    if (first)
        *list = (struct option_list){0};
    add_item(o, list, copy);
}

static bool takes_value(const struct option *row)
{
    return row->type != OPT_FLAG && row->type != OPT_COUNT;
}

/* Check value, and store it unless the field has one from a stronger origin.
 * where: what an error names. value NULL: one use of a flag or count. */
static int set_row(struct options *o, int i, const char *value,
                   enum option_origin origin, const char *where,
                   struct error *err)
{
    const struct option *row = &o->table[i];
    bool first = origin != o->origins[i], on = true;
    int64_t v = 0;
    int rc = 0;

    if (value == NULL && takes_value(row))
        return error_set(err, CF_INVALID, "%s needs a value", where);
    if (value == NULL && row->type == OPT_COUNT)
        v = first ? 1 : *(int64_t *)field(o, i) + 1;
    else if (row->type == OPT_FLAG && value != NULL)
        rc = parse_flag(value, &on) < 0
                 ? bad_value(err, where, value, "yes or no")
                 : 0;
    else if (row->type == OPT_CHOICE)
        rc = is_choice(row->choices, value)
                 ? 0
                 : error_set(err, CF_INVALID, "%s: '%s' is not one of %s",
                             where, value, row->choices);
    else if (row->type != OPT_FLAG && row->type != OPT_TEXT &&
             row->type != OPT_LIST)
        rc = parse_bounded(row, where, value, &v, err);
    if (rc < 0 || origin < o->origins[i])
        return rc;
    if (row->type == OPT_FLAG)
        *(bool *)field(o, i) = on;
    else if (row->type == OPT_TEXT || row->type == OPT_CHOICE ||
             row->type == OPT_LIST)
        store_text(o, i, value, first);
    else
        *(int64_t *)field(o, i) = v;
    o->origins[i] = origin;
    return 0;
}

int options_init(struct options *o, const struct option *table, void *target,
                 struct error *err)
{
    int n = row_count(table), rc = 0;

    *o = (struct options){.table = table, .target = target};
    o->origins = mem_array((size_t)n, sizeof(*o->origins));
    for (int i = 0; i < n && rc == 0; i++) {
        if (table[i].preset != NULL)
            rc = set_row(o, i, table[i].preset, FROM_DEFAULT, table[i].name,
                         err);
    }
    return rc;
}

void options_release(struct options *o)
{
    for (int i = 0; i < o->owned_count; i++)
        free(o->owned[i]);
    free(o->owned);
    free(o->origins);
    *o = (struct options){0};
}

static char *trim(char *text)
{
    char *end;

    text += strspn(text, " \t\r\n");
    end = text + strlen(text);
    while (end > text && strchr(" \t\r\n", end[-1]) != NULL)
        end--;
    *end = '\0';
    return text;
}

static int file_pair(struct options *o, char *text, const char *where,
                     struct error *err)
{
    char *value = strchr(text, '='), *key;
    char named[FILE_LINE_MAX];
    const char *near;
    int row;

    if (value == NULL)
        return error_set(err, CF_INVALID, "%s: '%s' is not 'key = value'",
                         where, text);
    *value++ = '\0';
    key = trim(text);
    row = row_of(o, key);
    if (row >= 0 && o->table[row].in_file) {
        snprintf(named, sizeof(named), "%.1000s: %.200s", where, key);
        return set_row(o, row, trim(value), FROM_FILE, named, err);
    }
    if (row >= 0)
        return error_set(err, CF_INVALID,
                         "%s: '%s' is for the command line only", where, key);
    near = nearest(o, key, true);
    if (near == NULL)
        return error_set(err, CF_INVALID, "%s: unknown key '%s'", where, key);
    return error_set(err, CF_INVALID,
                     "%s: unknown key '%s', did you mean '%s'?", where, key,
                     near);
}

/* One line; *inside says whether its section is the wanted one. */
static int file_line(struct options *o, char *line, const char *section,
                     bool *inside, const char *where, struct error *err)
{
    char *text = trim(line), *end;

    if (*text == '\0' || *text == '#')
        return 0;
    if (*text != '[')
        return *inside ? file_pair(o, text, where, err) : 0;
    end = text + strlen(text) - 1;
    if (*end != ']')
        return error_set(err, CF_INVALID, "%s: '%s' lacks its ']'", where,
                         text);
    *end = '\0';
    *inside = strcmp(trim(text + 1), section) == 0;
    return 0;
}

int options_file(struct options *o, const char *path, const char *section,
                 struct error *err)
{
    char line[FILE_LINE_MAX], where[FILE_LINE_MAX];
    bool inside = section[0] == '\0';
    FILE *f = fopen(path, "re");
    int rc = 0, number = 0;

    if (f == NULL)
        return error_set(err, errno == ENOENT ? CF_NOT_FOUND : CF_IO, "%s: %s",
                         path, strerror(errno));
    while (rc == 0 && fgets(line, sizeof(line), f) != NULL) {
        snprintf(where, sizeof(where), "%s:%d", path, ++number);
        if (strchr(line, '\n') == NULL && !feof(f))
            rc = error_set(err, CF_INVALID,
                           "%s: longer than %d bytes, or with a NUL", where,
                           FILE_LINE_MAX - 2);
        else
            rc = file_line(o, line, section, &inside, where, err);
    }
    if (rc == 0 && ferror(f))
        rc = error_set(err, CF_IO, "%s: %s", path, strerror(errno));
    fclose(f);
    return rc;
}

int options_env(struct options *o, struct error *err)
{
    const char *value;
    int rc = 0;

    for (int i = 0; o->table[i].name != NULL && rc == 0; i++) {
        if (o->table[i].env == NULL)
            continue;
        value = getenv(o->table[i].env);
        if (value != NULL && value[0] != '\0') /* empty: as if unset */
            rc = set_row(o, i, value, FROM_ENV, o->table[i].env, err);
    }
    return rc;
}

int options_set(struct options *o, const char *name, const char *value,
                enum option_origin origin, struct error *err)
{
    int row = row_of(o, name);

    if (row < 0)
        return error_set(err, CF_INVALID, "unknown option '%s'", name);
    return set_row(o, row, value, origin, name, err);
}

enum option_origin options_origin(const struct options *o, const char *name)
{
    int row = row_of(o, name);

    return row >= 0 ? o->origins[row] : FROM_DEFAULT;
}

/* The command line while it is read. */
struct args {
    struct options *o;
    int argc;
    char **argv;
    int at; /* the word being read */
};

/* Set a row from the command line; attached: what stood in the same word, or
 * NULL, then the value is the next word. */
static int arg_value(struct args *a, int row, const char *attached,
                     const char *where, struct error *err)
{
    const struct option *r = &a->o->table[row];

    if (!takes_value(r) && attached != NULL)
        return error_set(err, CF_INVALID, "%s takes no value", where);
    if (takes_value(r) && attached == NULL) {
        if (a->at + 1 >= a->argc)
            return error_set(err, CF_INVALID, "%s needs a value: %s %s", where,
                             where, r->arg != NULL ? r->arg : "VALUE");
        attached = a->argv[++a->at];
    }
    return set_row(a->o, row, attached, FROM_OPTION, where, err);
}

static int arg_long(struct args *a, const char *word, struct error *err)
{
    const char *equals = strchr(word, '='), *near;
    size_t n = equals != NULL ? (size_t)(equals - word) : strlen(word);
    char name[128];
    int row;

    if (n >= sizeof(name) - 2)
        return error_set(err, CF_INVALID, "unknown option of %zu bytes", n);
    snprintf(name, sizeof(name), "%.*s", (int)n, word);
    row = row_of(a->o, name + 2);
    if (row >= 0)
        return arg_value(a, row, equals != NULL ? equals + 1 : NULL, name, err);
    near = nearest(a->o, name + 2, false);
    if (near == NULL)
        return error_set(err, CF_INVALID, "unknown option %s", name);
    return error_set(err, CF_INVALID, "unknown option %s, did you mean --%s?",
                     name, near);
}

/* "-v", "-hv", "-lVALUE", "-l VALUE" */
static int arg_letters(struct args *a, const char *word, struct error *err)
{
    char name[3] = "-";
    int row, rc = 0;

    for (const char *p = word + 1; *p != '\0' && rc == 0; p++) {
        name[1] = *p;
        row = row_of_letter(a->o, *p);
        if (row < 0)
            return error_set(err, CF_INVALID, "unknown option %s in '%s'", name,
                             word);
        if (takes_value(&a->o->table[row]))
            return arg_value(a, row, p[1] != '\0' ? p + 1 : NULL, name, err);
        rc = arg_value(a, row, NULL, name, err);
    }
    return rc;
}

int options_args(struct options *o, int argc, char **argv, bool stop_at_operand,
                 int *operands, struct error *err)
{
    struct args a = {.o = o, .argc = argc, .argv = argv, .at = 1};
    bool ended = false;
    int kept = 1, rc = 0;
    char *word;

    for (; a.at < argc && rc == 0; a.at++) {
        word = argv[a.at];
        if (!ended && strcmp(word, "--") == 0) {
            ended = true;
        } else if (ended || word[0] != '-' || word[1] == '\0') {
            argv[kept++] = word;
            ended = ended || stop_at_operand;
        } else if (word[1] == '-') {
            rc = arg_long(&a, word, err);
        } else {
            rc = arg_letters(&a, word, err);
        }
    }
    if (rc == 0 && kept < argc)
        argv[kept] = NULL;
    *operands = kept - 1;
    return rc;
}
