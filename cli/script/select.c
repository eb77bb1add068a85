#include "select.h"

#include <errno.h>
#include <fnmatch.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/rng.h"

/* ---- files ---- */

static int add_pick(struct picks *p, const char *path, int line,
                    struct error *err)
{
    for (int i = 0; i < p->count; i++)
        if (p->items[i].line == line && strcmp(p->items[i].path, path) == 0)
            return 0;
    if (p->count >= SELECT_MAX_FILES)
        return error_set(err, CF_TOO_BIG, "more than %d scripts",
                         SELECT_MAX_FILES);
    p->items = mem_grow(p->items, (size_t)p->count + 1, sizeof(*p->items));
    p->items[p->count++] = (struct pick){.path = mem_text(path), .line = line};
    return 0;
}

static bool is_script(const char *name)
{
    size_t n = strlen(name);

    return n > 7 && name[0] != '.' && strcmp(name + n - 7, ".confab") == 0;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int add_entry(struct picks *p, FTS *tree, FTSENT *e, struct error *err)
{
    switch (e->fts_info) {
    case FTS_D:
        if (e->fts_level > 0 && e->fts_name[0] == '.')
            (void)fts_set(tree, e, FTS_SKIP);
        return 0;
    case FTS_F:
    case FTS_SL:
        return is_script(e->fts_name) ? add_pick(p, e->fts_path, 0, err) : 0;
    case FTS_DNR:
    case FTS_ERR:
        return error_set(err, CF_IO, "%s: %s", e->fts_path,
                         strerror(e->fts_errno));
    default:
        return 0;
    }
}

static int add_directory(struct picks *p, const char *dir, struct error *err)
{
    char *path = mem_text(dir);
    char *const roots[] = {path, NULL};
    FTS *tree =
        fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name);
    int before = p->count, rc = 0;
    FTSENT *e;

    while (tree != NULL && rc == 0 && (e = fts_read(tree)) != NULL)
        rc = add_entry(p, tree, e, err);
    if (tree != NULL)
        (void)fts_close(tree);
    else
        rc = error_set(err, CF_IO, "%s: %s", dir, strerror(errno));
    free(path);
    if (rc == 0 && p->count == before)
        rc = error_set(err, CF_NOT_FOUND, "no script (*.confab) in %s", dir);
    return rc;
}

/* "FILE:12": the length of FILE and the line, or 0. */
static int split_line(const char *operand, size_t *n)
{
    const char *colon = strrchr(operand, ':');
    char *end;
    long line;

    if (colon == NULL || colon == operand || colon[1] < '0' || colon[1] > '9')
        return 0;
    errno = 0;
    line = strtol(colon + 1, &end, 10);
    *n = (size_t)(colon - operand);
    return *end == '\0' && errno == 0 && line > 0 && line < INT32_MAX
               ? (int)line
               : 0;
}

static int add_operand(struct picks *p, const char *operand, struct error *err)
{
    struct stat st;
    size_t n = 0;
    int line, rc, why;

    if (stat(operand, &st) == 0)
        return S_ISDIR(st.st_mode) ? add_directory(p, operand, err)
                                   : add_pick(p, operand, 0, err);
    why = errno;
    line = split_line(operand, &n);
    if (line > 0) {
        char *path = mem_text_n(operand, n);

        rc =
            stat(path, &st) == 0 && !S_ISDIR(st.st_mode)
                ? add_pick(p, path, line, err)
                : error_set(err, CF_NOT_FOUND, "%s: %s", path, strerror(errno));
        free(path);
        return rc;
    }
    return error_set(err, CF_NOT_FOUND, "%s: %s", operand, strerror(why));
}

int picks_find(struct picks *out, const char *const *operands, int count,
               struct error *err)
{
    int rc = 0;

    *out = (struct picks){0};
    for (int i = 0; i < count && rc == 0; i++)
        rc = add_operand(out, operands[i], err);
    return rc;
}

void picks_release(struct picks *p)
{
    for (int i = 0; i < p->count; i++)
        free(p->items[i].path);
    free(p->items);
    *p = (struct picks){0};
}

/* ---- tests ---- */

static bool name_fits(const struct test *t, const struct selection *sel)
{
    for (int i = 0; i < sel->nonly; i++)
        if (fnmatch(sel->only[i], t->name, 0) == 0)
            return true;
    return sel->nonly == 0;
}

/* Is tag one of "a,b,c"? */
static bool listed(const char *list, const char *tag)
{
    size_t n = strlen(tag);

    while (*list != '\0') {
        size_t len;

        list += strspn(list, ", ");
        len = strcspn(list, ", ");
        if (len == n && strncmp(list, tag, n) == 0)
            return true;
        list += len;
    }
    return false;
}

static bool has_tag(const struct test *t, const char *const *lists, int n)
{
    for (int i = 0; i < n; i++)
        for (int k = 0; k < t->ntags; k++)
            if (listed(lists[i], t->tags[k]))
                return true;
    return false;
}

static bool fits(const struct test *t, int line, const struct selection *sel)
{
    if (line > 0 && (line < t->at.line || line > t->end_line))
        return false;
    if (sel->until_line > 0 && t->at.line >= sel->until_line)
        return false;
    if (sel->nonly_tags > 0 && !has_tag(t, sel->only_tags, sel->nonly_tags))
        return false;
    return name_fits(t, sel) && !has_tag(t, sel->skip_tags, sel->nskip_tags);
}

const struct stmt *needs_own_server(const struct stmt *first)
{
    for (const struct stmt *s = first; s != NULL; s = s->next) {
        const struct stmt *inside;

        if (s->kind == STMT_SERVER || s->kind == STMT_CLOCK)
            return s;
        inside = needs_own_server(s->block);
        if (inside != NULL)
            return inside;
    }
    return NULL;
}

static bool planned_already(const struct plan *p, const struct test *t)
{
    for (int i = 0; i < p->count; i++)
        if (p->tests[i].test == t)
            return true;
    return false;
}

int plan_add(struct plan *p, const struct script *s, int line,
             const struct selection *sel)
{
    int before = p->count;

    for (const struct test *t = s->tests; t != NULL; t = t->next) {
        p->seen++;
        if (!fits(t, line, sel) || planned_already(p, t))
            continue;
        p->tests = mem_grow(p->tests, (size_t)p->count + 1, sizeof(*p->tests));
        p->tests[p->count++] =
            (struct planned){.script = s,
                             .test = t,
                             .number = p->seen,
                             .needs_own = needs_own_server(t->block)};
    }
    return p->count - before;
}

void plan_shuffle(struct plan *p, uint64_t seed)
{
    struct rng rng;

    rng_init_seeded(&rng, seed);
    for (int i = p->count - 1; i > 0; i--) {
        int k = (int)rng_below(&rng, (uint64_t)i + 1);
        struct planned swap = p->tests[i];

        p->tests[i] = p->tests[k];
        p->tests[k] = swap;
    }
}

void plan_release(struct plan *p)
{
    free(p->tests);
    *p = (struct plan){0};
}
