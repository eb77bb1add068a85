#include "proto/story.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "proto/story_inside.h"

#define SAID_MAX (1 << 20) /* entries of a conversation */

/* ---- the file ---- */

void put(struct story *s, const char *fmt, ...)
{
    char line[1024];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    if (buf_append_text(&s->text, line) < 0)
        s->state = -CF_TOO_BIG;
}

void put_text(struct story *s, struct span text)
{
    struct buf masked, quoted;

    buf_init(&masked, STORY_MAX);
    buf_init(&quoted, STORY_MAX);
    story_mask(&masked, text, &s->secrets);
    json_write_text(&quoted, buf_span(&masked));
    for (size_t i = 0; i < quoted.len; i++) { /* "${" is an expression */
        if (quoted.data[i] == '$')
            buf_append_byte(&s->text, '\\');
        if (buf_append_byte(&s->text, quoted.data[i]) < 0)
            s->state = -CF_TOO_BIG;
    }
    buf_release(&masked);
    buf_release(&quoted);
}

/* Write at the brace, with a brace behind. */
static int write_on(struct story *s, int fd)
{
    size_t n = s->text.len;

    if (buf_append_text(&s->text, "}\n") < 0)
        return -CF_TOO_BIG;
    if (pwrite(fd, s->text.data, s->text.len, s->end) != (ssize_t)s->text.len)
        return -CF_IO;
    s->end += (off_t)n;
    return 0;
}

void story_flush(struct story *s)
{
    bool full = s->end + (off_t)s->text.len > STORY_MAX;
    int fd;

    if (s->state == 0 && full) {
        buf_clear(&s->text);
        put(s, "  # the recording ends here: it is as long as it may be\n");
    }
    if (s->state == 0 && s->text.len > 0) {
        fd = open(s->path, O_WRONLY | O_CLOEXEC);
        s->state = fd < 0 ? -CF_IO : write_on(s, fd);
        if (fd >= 0 && close(fd) < 0)
            s->state = -CF_IO;
        if (s->state == 0 && full)
            s->state = -CF_TOO_BIG;
    }
    buf_clear(&s->text);
}

int story_state(const struct story *s)
{
    return s->state;
}

int story_new(struct story **out, const char *path, const char *name,
              struct error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    struct story *s;

    *out = NULL;
    if (fd < 0)
        return error_set(err, errno == EEXIST ? CF_EXISTS : CF_IO, "%s: %s",
                         path, strerror(errno));
    close(fd);
    s = mem_alloc(sizeof(*s));
    s->path = mem_text(path);
    buf_init(&s->text, STORY_MAX + 4096);
    map_init(&s->people);
    map_init(&s->convs);
    put(s, "confab-script 1\n\ntest ");
    put_text(s, span_of(name));
    put(s, " tags recorded {\n");
    story_flush(s);
    if (s->state < 0) {
        int rc = s->state;

        story_free(&s);
        return error_set(err, -rc, "%s: %s", path, error_name(rc));
    }
    *out = s;
    return 0;
}

void story_free(struct story **slot)
{
    struct story *s = *slot;

    *slot = NULL;
    if (s == NULL)
        return;
    for (uint32_t i = 0; i < s->people.len; i++)
        free(s->people.entries[i].value);
    for (uint32_t i = 0; i < s->convs.len; i++) {
        struct story_conv *c = s->convs.entries[i].value;

        free(c->said);
        free(c);
    }
    map_release(&s->people);
    map_release(&s->convs);
    story_secrets_free(&s->secrets);
    buf_release(&s->text);
    free(s->path);
    free(s);
}

/* ---- people ---- */

struct person *story_who(struct story *s, uint64_t user)
{
    static const char *const names[] = {
        "alice", "bob",   "carol", "dave",  "erin",  "frank",
        "grace", "heidi", "ivan",  "judy",  "mike",  "nina",
        "oscar", "peggy", "ruth",  "sybil", "trent", "ursula"};
    struct person *p = map_get(&s->people, user);

    if (p != NULL)
        return p;
    p = mem_alloc(sizeof(*p));
    p->user = user;
    if (s->people.len < COUNT_OF(names))
        snprintf(p->name, sizeof(p->name), "%s", names[s->people.len]);
    else
        snprintf(p->name, sizeof(p->name), "user%u", s->people.len + 1);
    map_put(&s->people, user, p);
    return p;
}

void story_meet(struct story *s, struct person *p)
{
    if (p->there)
        return;
    p->there = true;
    put(s, "  actor %s\n  %s connects\n", p->name, p->name);
}

void story_person(struct story *s, uint64_t user)
{
    story_meet(s, story_who(s, user));
    story_flush(s);
}

/* ---- conversations ---- */

struct story_conv *story_conv_get(const struct story *s, uint64_t conv)
{
    return map_get(&s->convs, conv);
}

bool story_knows(const struct story *s, uint64_t conv)
{
    return story_conv_get(s, conv) != NULL;
}

struct story_conv *story_conv_add(struct story *s, uint64_t conv,
                                  enum conv_kind kind)
{
    struct story_conv *c = mem_alloc(sizeof(*c));

    c->id = conv;
    c->kind = kind;
    map_put(&s->convs, conv, c);
    return c;
}

struct story_member *story_member_of(struct story_conv *c,
                                     const struct person *p)
{
    for (int i = 0; i < c->count; i++)
        if (c->members[i].who == p)
            return &c->members[i];
    return NULL;
}

struct story_member *story_member_add(struct story *s, struct story_conv *c,
                                      struct person *p, int64_t since)
{
    struct story_member *m = story_member_of(c, p);

    if (m == NULL && c->count == STORY_PEOPLE) {
        c->left_out = true;
        put(s, "  # a conversation of more than %d goes on without us\n",
            STORY_PEOPLE);
        return NULL;
    }
    if (m == NULL)
        m = &c->members[c->count++];
    m->who = p;
    m->since = since;
    m->in = true;
    story_meet(s, p);
    return m;
}

void story_direct(struct story *s, uint64_t conv, uint64_t a, uint64_t b)
{
    struct story_conv *c;

    if (story_knows(s, conv))
        return;
    c = story_conv_add(s, conv, CONV_DIRECT);
    c->begun = true;
    story_member_add(s, c, story_who(s, a), 0);
    if (b != a)
        story_member_add(s, c, story_who(s, b), 0);
    story_flush(s);
}

void story_begins(struct story *s, uint64_t conv, enum conv_kind kind)
{
    if (!story_knows(s, conv))
        story_conv_add(s, conv, kind);
}

void story_group(struct story *s, uint64_t conv, uint64_t by, struct span title)
{
    struct story_conv *c;

    if (story_knows(s, conv))
        return;
    c = story_conv_add(s, conv, CONV_GROUP);
    c->begun = true;
    c->number = ++s->groups;
    c->remade = story_who(s, by);
    story_member_add(s, c, c->remade, 0);
    put(s, "  %s creates group ", c->remade->name);
    put_text(s, title);
    put(s, " as $g%d\n", c->number);
    story_flush(s);
}

/* ---- what was said ---- */

struct said *story_said(struct story_conv *c, int64_t seq)
{
    if (c->said == NULL || seq < c->first || seq > c->last ||
        c->said[seq - c->first].number == 0)
        return NULL;
    return &c->said[seq - c->first];
}

struct said *story_say(struct story_conv *c, int64_t seq)
{
    size_t at;

    if (c->said == NULL)
        c->first = seq;
    at = (size_t)(seq - c->first);
    if (at >= SAID_MAX)
        return NULL;
    if (at >= c->room) {
        size_t room = at < 32 ? 64 : 2 * at;

        c->said = mem_grow(c->said, room, sizeof(*c->said));
        memset(c->said + c->room, 0, (room - c->room) * sizeof(*c->said));
        c->room = room;
    }
    return &c->said[at];
}
