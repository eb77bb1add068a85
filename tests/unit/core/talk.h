/* talk.h - short words for tests that talk with homes through clients: on top
 * of harness.h. In what is said and expected a ' stands for ". */
#ifndef TESTS_CORE_TALK_H
#define TESTS_CORE_TALK_H

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/home.h"
#include "unit/core/harness.h"

static struct rig *rig;

/* Fates of the next messages between nodes, and of the next writes. */
static int talk_lose, talk_twice;
static int (*talk_fault)(enum store_verb verb, bool *happens);

static inline int talk_fate(void *ctx, int from, int to, int64_t *delays)
{
    (void)ctx;
    (void)from;
    (void)to;
    delays[0] = delays[1] = 1;
    if (talk_lose > 0) {
        talk_lose--;
        return 0;
    }
    if (talk_twice > 0) {
        talk_twice--;
        return 2;
    }
    return 1;
}

static inline int talk_faults(void *ctx, enum store_verb verb, bool *happens)
{
    (void)ctx;
    return talk_fault != NULL ? talk_fault(verb, happens) : 0;
}

static inline void talk_adjust(struct rig *r)
{
    r->config.no_budgets = true;
}

static inline void talk_start(int nodes, void (*adjust)(struct rig *r))
{
    rig = rig_new(nodes, adjust != NULL ? adjust : talk_adjust);
    rig->bus_sim.fate = talk_fate;
    rig->store_sim.fault = talk_faults;
    talk_lose = talk_twice = 0;
    talk_fault = NULL;
}

static inline void talk_quotes(char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            *text = '"';
    }
}

static inline void say(struct seat *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static inline void say(struct seat *s, const char *fmt, ...)
{
    char text[8192];
    va_list args;
    int n;

    va_start(args, fmt);
    n = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    ck_assert_int_lt(n, (int)sizeof(text));
    talk_quotes(text);
    seat_say(s, "%s", text);
}

/* The first unread line with all of what in it (pieces parted by |), or NULL.
 * What comes before it stays unread: use it for pushes that pass each other. */
static inline const char *heard(struct seat *s, const char *what)
{
    char text[512];

    snprintf(text, sizeof(text), "%s", what);
    talk_quotes(text);
    for (int i = s->read; i < s->count; i++) {
        char *save, copy[512];
        bool all = true;

        memcpy(copy, text, sizeof(copy));
        for (char *p = strtok_r(copy, "|", &save); p != NULL;
             p = strtok_r(NULL, "|", &save))
            all = all && strstr(s->lines[i], p) != NULL;
        if (all) {
            s->read = i + 1;
            return s->lines[i];
        }
    }
    return NULL;
}

static inline void talk_dump(const struct seat *s)
{
    for (int i = 0; i < s->count; i++)
        fprintf(stderr, "%s%s\n", i < s->read ? "  " : "> ", s->lines[i]);
}

static inline const char *talk_expect(struct seat *s, const char *what, int at)
{
    const char *line = heard(s, what);

    for (int i = 0; line == NULL && i < 250; i++) {
        rig_run(rig, 40);
        line = heard(s, what);
    }
    if (line == NULL)
        talk_dump(s);
    ck_assert_msg(line != NULL, "line %d: nothing like %s", at, what);
    return line;
}

/* Time passes until such a line comes; it must within 10 s. */
#define expect(s, what) talk_expect(s, what, __LINE__)

/* No such line comes within ms. */
#define expect_none(s, what, ms)                                            \
    do {                                                                    \
        const char *line_;                                                  \
        rig_run(rig, ms);                                                   \
        line_ = heard(s, what);                                             \
        ck_assert_msg(line_ == NULL, "line %d: heard %s", __LINE__, line_); \
    } while (0)

static bool talk_stored;

static inline void talk_store_done(struct store_op *op)
{
    (void)op;
    talk_stored = true;
}

/* Do op on the test's own port and wait. */
static inline int talk_store(struct store_op *op)
{
    talk_stored = false;
    op->done = talk_store_done;
    store_submit(rig->port, op);
    while (!talk_stored)
        rig_run(rig, 1);
    return op->rc;
}

/* The user called userN has its first device, and is connected. */
static inline struct seat *talk_user(int node, uint64_t user)
{
    rig_user(rig, user);
    return seat_login(rig, node, user, 1, "");
}

/* "c123" behind "conv":" in a line. */
static inline unsigned long long conv_in(const char *line)
{
    const char *at = strstr(line, "\"conv\":\"c");

    ck_assert_ptr_nonnull(at);
    return strtoull(at + 9, NULL, 10);
}

static inline int64_t number_in(const char *line, const char *key)
{
    char text[64];
    const char *at;

    snprintf(text, sizeof(text), "\"%s\":", key);
    at = strstr(line, text);
    ck_assert_ptr_nonnull(at);
    return strtoll(at + strlen(text), NULL, 10);
}

static inline struct node *node_of(uint64_t conv)
{
    int number = -1;

    for (int i = 0; i < rig->node_count && number < 0; i++) {
        if (rig->nodes[i] != NULL)
            number = node_home_of(rig->nodes[i], conv);
    }
    for (int i = 0; i < rig->node_count; i++) {
        if (rig->nodes[i] != NULL && rig->nodes[i]->env.number == number)
            return rig->nodes[i];
    }
    return NULL;
}

static inline struct home *home_of(uint64_t conv)
{
    return map_get(&node_of(conv)->homes, conv);
}

#define TALK_MAIN(suite_name, ...)                   \
    int main(void)                                   \
    {                                                \
        Suite *suite = suite_create(suite_name);     \
        TCase *tcase = tcase_create("all");          \
        const TTest *tests[] = {__VA_ARGS__};        \
        SRunner *runner;                             \
        int failed;                                  \
        for (size_t i = 0; i < COUNT_OF(tests); i++) \
            tcase_add_test(tcase, tests[i]);         \
        tcase_set_timeout(tcase, 60);                \
        suite_add_tcase(suite, tcase);               \
        runner = srunner_create(suite);              \
        srunner_run_all(runner, CK_ENV);             \
        failed = srunner_ntests_failed(runner);      \
        srunner_free(runner);                        \
        return failed == 0 ? 0 : 1;                  \
    }

#endif
