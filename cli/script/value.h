/* value.h - expressions become JSON values; patterns are held against them. */
#ifndef SCRIPT_VALUE_H
#define SCRIPT_VALUE_H

#include "ast.h"
#include "base/json.h"

/* Variables by name, in nested scopes. Values are owned references. */
struct scope;
struct scope *scope_new(struct scope *outer); /* outer may be NULL */
void scope_free(struct scope **s);            /* this one alone */
/* Set where it was set before, else here. index >= 0: an element of an array
 * or member of a table that grows ($m[3]). Takes the reference. */
int scope_set(struct scope *s, const char *name, const json_t *index,
              json_t *value, struct error *err);
json_t *scope_get(const struct scope *s, const char *name); /* borrowed */

/* What an expression needs from its run. A field of a captured event may have
 * to be waited for ($q.id before the answer came): wait returns 0 when the
 * field is there, -CF_AGAIN when it may still come, or another error. */
struct eval {
    struct scope *scope;
    const char *dir; /* file("x") is looked up here */
    int (*wait)(void *ctx, json_t *event, const char *field);
    void *ctx;
};

/* A new reference. -CF_AGAIN: not there yet, ask again; others with *err that
 * names the place. Objects in patterns may not be evaluated. */
int expr_eval(const struct eval *e, const struct expr *x, json_t **out,
              struct error *err);
int expr_eval_text(const struct eval *e, const struct expr *x, struct buf *out,
                   struct error *err);
int expr_eval_int(const struct eval *e, const struct expr *x, int64_t min,
                  int64_t max, int64_t *out, struct error *err);
bool value_true(const json_t *v); /* false, null, 0, "", [] and {} are not */

/* Does value fit the pattern? Objects are subsets unless exactly. A TEXT or
 * REGEX pattern against an object is held against its "text". 1 fits, 0 not,
 * negative error. why (NULL or a buffer) gets what differs, short:
 * text: "queued 7" -> "queued 8". */
int pattern_match(const struct eval *e, const struct expr *pattern,
                  const json_t *value, struct buf *why, struct error *err);
/* How well it fits, for "nearest": 0 (nothing in common) .. 1000 (all). */
int pattern_nearness(const struct eval *e, const struct expr *pattern,
                     const json_t *value);

#endif
