#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "jobs_inside.h"

const char *jobs_url_of(const struct jobs_config *cfg, const struct planned *p)
{
    if (cfg->url != NULL)
        return cfg->url;
    return p->script->server == SERVER_URL ? p->script->url : NULL;
}

void jobs_label(struct test_result *r, const struct jobs_config *cfg,
                const struct planned *p)
{
    free(r->file);
    r->file = mem_text(p->script->path);
    if (r->name == NULL)
        r->name = mem_text(p->test->name);
    r->line = p->test->at.line;
    r->index = p->test->index;
    r->seed = cfg->seed;
}

/* ---- who shares a server with whom ---- */

/* Does the file bring its own server for all its tests? */
static bool own_for_file(const struct jobs_config *cfg, const struct planned *p)
{
    return cfg->url == NULL && (p->script->server == SERVER_SPAWN ||
                                p->script->server == SERVER_CLUSTER);
}

static struct unit *unit_of_file(struct units *u, const struct plan *plan,
                                 const struct script *s)
{
    for (int i = 0; i < u->count; i++)
        if (plan->tests[u->items[i].tests[0]].script == s)
            return &u->items[i];
    return NULL;
}

static void add(struct unit *unit, int index)
{
    unit->tests = mem_grow(unit->tests, (size_t)unit->count + 1, sizeof(int));
    unit->tests[unit->count++] = index;
}

static struct unit *new_unit(struct units *u, enum unit_server server)
{
    struct unit *unit;

    u->items = mem_grow(u->items, (size_t)u->count + 1, sizeof(*u->items));
    unit = &u->items[u->count++];
    *unit = (struct unit){.server = server};
    return unit;
}

static void skip(struct test_result *r, const struct jobs_config *cfg,
                 const struct planned *p)
{
    char why[320];

    snprintf(why, sizeof(why),
             "line %d needs a server of its own (%.160s), and this one was "
             "given",
             p->needs_own->at.line,
             p->needs_own->source != NULL ? p->needs_own->source
                                          : "server or clock");
    jobs_label(r, cfg, p);
    r->outcome = OUTCOME_SKIP;
    r->reason = mem_text(why);
}

void units_make(struct units *u, const struct jobs_config *cfg,
                struct test_result *results)
{
    *u = (struct units){0};
    for (int i = 0; i < cfg->plan->count; i++) {
        const struct planned *p = &cfg->plan->tests[i];
        struct unit *unit = NULL;

        if (own_for_file(cfg, p)) {
            unit = unit_of_file(u, cfg->plan, p->script);
            if (unit == NULL)
                unit = new_unit(u, UNIT_OWN);
        } else if (jobs_url_of(cfg, p) != NULL) {
            if (p->needs_own != NULL) {
                skip(&results[i], cfg, p);
                continue;
            }
            unit = new_unit(u, UNIT_URL);
        } else {
            unit = new_unit(u, p->needs_own ? UNIT_OWN : UNIT_SHARED);
        }
        add(unit, i);
    }
}

void units_release(struct units *u)
{
    for (int i = 0; i < u->count; i++)
        free(u->items[i].tests);
    free(u->items);
    *u = (struct units){0};
}
