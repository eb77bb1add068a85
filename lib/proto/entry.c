#include "proto/entry.h"

#include "base/mem.h"

static const char *const entry_kinds[] = {
    [ENTRY_MSG] = "msg",       [ENTRY_EDIT] = "edit",
    [ENTRY_DELETE] = "delete", [ENTRY_REACT] = "react",
    [ENTRY_MEMBER] = "member", [ENTRY_TITLE] = "title",
    [ENTRY_KEY] = "key",       [ENTRY_ACCOUNT] = "account",
};
static const char *const conv_kinds[] = {
    [CONV_DIRECT] = "direct",
    [CONV_GROUP] = "group",
    [CONV_CHANNEL] = "channel",
    [CONV_SELF] = "self",
};
static const char *const conv_modes[] = {
    [MODE_OPEN] = "open",
    [MODE_E2EE] = "e2ee",
};
static const char *const roles[] = {
    [ROLE_NONE] = "none",
    [ROLE_MEMBER] = "member",
    [ROLE_ADMIN] = "admin",
    [ROLE_OWNER] = "owner",
};
static const char *const presences[] = {
    [PRESENCE_OFF] = "off",
    [PRESENCE_AWAY] = "away",
    [PRESENCE_ON] = "on",
};

static const char *word(const char *const *words, size_t count, unsigned i)
{
    return i < count && words[i] != NULL ? words[i] : "unknown";
}

/* The index of s among the words from first on, or other. */
static int find(const char *const *words, size_t count, int first,
                struct span s, int other)
{
    for (size_t i = first; i < count; i++) {
        if (span_is(s, words[i]))
            return (int)i;
    }
    return other;
}

#define WORD(words, i) word(words, COUNT_OF(words), (unsigned)(i))
#define FIND(words, first, s, other) \
    find(words, COUNT_OF(words), first, s, other)

const char *entry_kind_name(enum entry_kind k)
{
    return WORD(entry_kinds, k);
}

enum entry_kind entry_kind_parse(struct span s)
{
    return FIND(entry_kinds, 1, s, 0);
}

const char *conv_kind_name(enum conv_kind k)
{
    return WORD(conv_kinds, k);
}

enum conv_kind conv_kind_parse(struct span s)
{
    return FIND(conv_kinds, 1, s, 0);
}

const char *conv_mode_name(enum conv_mode m)
{
    return WORD(conv_modes, m);
}

enum conv_mode conv_mode_parse(struct span s)
{
    return FIND(conv_modes, 1, s, 0);
}

const char *role_name(enum role r)
{
    return WORD(roles, r);
}

enum role role_parse(struct span s)
{
    return FIND(roles, 1, s, ROLE_NONE);
}

const char *presence_name(enum presence_state s)
{
    return WORD(presences, s);
}

int presence_parse(struct span s)
{
    return FIND(presences, 0, s, -1);
}
