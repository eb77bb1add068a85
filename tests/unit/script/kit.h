/* kit.h - values and patterns out of a line of text, for these tests. */
#ifndef SCRIPT_KIT_H
#define SCRIPT_KIT_H

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "script/value.h"

static struct script *kit_script;
static struct scope *kit_scope;
static struct eval kit_eval;

static inline void kit_set_up(void)
{
    kit_scope = scope_new(NULL);
    kit_eval = (struct eval){.scope = kit_scope};
}

static inline void kit_tear_down(void)
{
    scope_free(&kit_scope);
    script_free(&kit_script);
}

/* The second statement of a test whose variables are $a $b $m $q. */
static inline const struct stmt *kit_stmt(const char *line)
{
    static char text[4096];
    struct error err = {0};

    script_free(&kit_script);
    snprintf(text, sizeof(text),
             "confab-script 1\nlet $a = 1\nlet $b = 1\nlet $m = 1\n"
             "let $q = 1\ntest \"x\" {\n  actor bob, user[9]\n%s\n}\n",
             line);
    ck_assert_msg(script_parse(&kit_script, "t", span_of(text), &err) == 0,
                  "%s", err.text);
    return kit_script->tests->block->next;
}

static inline const struct expr *kit_expr(const char *text)
{
    static char line[2048];

    snprintf(line, sizeof(line), "let $it = %s", text);
    return kit_stmt(line)->value;
}

static inline json_t *kit_json(const char *text)
{
    json_t *v = json_loads(text, JSON_DECODE_ANY, NULL);

    ck_assert_msg(v != NULL, "%s", text);
    return v;
}

static inline void kit_set(const char *name, const char *json)
{
    struct error err = {0};

    ck_assert_int_eq(scope_set(kit_scope, name, NULL, kit_json(json), &err), 0);
}

#endif
