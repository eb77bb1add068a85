/* story.h - what happened, written as a conversation script that does it again
 * (confab-script(5)). Who said what to whom, in order; ids become $m1, $m2 and
 * $g1, people alice, bob and carol in the order of their appearance, secrets
 * are masked, times are left out. The file is a complete script after every
 * call: it ends with the brace of its test, which the next call writes over.
 *
 * What is not text cannot be said in the same words again: it becomes a
 * comment. One thread. */
#ifndef PROTO_STORY_H
#define PROTO_STORY_H

#include "base/buf.h"
#include "base/error.h"
#include "proto/entry.h"

#define STORY_MAX (8 << 20) /* bytes of a script; then it says so and stops */
#define STORY_PEOPLE 50     /* in a conversation; a bigger one is left out */

struct story;

/* A new script at path, with one test of that name. -CF_EXISTS: there is
 * something; -CF_IO. */
int story_new(struct story **out, const char *path, const char *name,
              struct error *err);
void story_free(struct story **slot);

/* Who it is about first: the first one gets the first name. */
void story_person(struct story *s, uint64_t user);
/* A direct conversation of two, without an entry of its own. */
void story_direct(struct story *s, uint64_t conv, uint64_t a, uint64_t b);
/* The group or channel that is about to begin with its own entry. */
void story_begins(struct story *s, uint64_t conv, enum conv_kind kind);
/* A group that was there before, as far as `by` knows: by makes it anew, and
 * adds whom it meets there. */
void story_group(struct story *s, uint64_t conv, uint64_t by,
                 struct span title);
bool story_knows(const struct story *s, uint64_t conv);
/* The next entry of a conversation; one that came before, or of an unknown
 * conversation that does not begin with it, is nothing new. */
void story_entry(struct story *s, const struct entry *e);
/* A user saw everything up to seq. Told of direct conversations to the other
 * one, too. */
void story_read(struct story *s, uint64_t conv, uint64_t user, int64_t seq);
/* 0, or what kept it from being written: -CF_IO, -CF_TOO_BIG. */
int story_state(const struct story *s);

/* Append text with what looks like a secret replaced by "[secret 1]", the same
 * secret by the same number: tokens of confab, what follows a word such as
 * password, token or bearer and a colon, an equals sign or a blank, passwords
 * in URLs, private keys. known: secrets found so far. */
struct story_secrets {
    char **texts;
    int count;
};
void story_mask(struct buf *out, struct span text, struct story_secrets *known);
void story_secrets_free(struct story_secrets *known);

#endif
