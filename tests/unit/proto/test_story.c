#include "proto/story.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unit/base/suite.h"

static char path[64];
static char *written;

static struct story *begin(const char *name)
{
    struct story *s = NULL;
    struct error err = {0};
    int fd;

    snprintf(path, sizeof(path), "/tmp/confab-story-XXXXXX");
    fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    ck_assert_int_eq(story_new(&s, path, name, &err), -CF_EXISTS);
    unlink(path);
    ck_assert_msg(story_new(&s, path, name, &err) == 0, "%s", err.text);
    return s;
}

/* What the file holds now. */
static const char *text(void)
{
    FILE *f = fopen(path, "re");
    size_t n = 0;

    ck_assert_ptr_nonnull(f);
    free(written);
    written = NULL;
    ck_assert_int_ge(getdelim(&written, &n, '\0', f), 0);
    fclose(f);
    return written;
}

static void end(struct story *s)
{
    story_free(&s);
    unlink(path);
    free(written);
    written = NULL;
}

static bool has(const char *part)
{
    return strstr(text(), part) != NULL;
}

static void entry(struct story *s, uint64_t conv, int64_t seq, uint64_t from,
                  enum entry_kind kind, const char *body, int64_t of)
{
    struct entry e = {.conv = conv,
                      .seq = seq,
                      .from = from,
                      .kind = kind,
                      .body = span_of(body),
                      .of = of};

    story_entry(s, &e);
}

START_TEST(tells_of_two)
{
    struct story *s = begin("two \"of\" them");

    ck_assert_str_eq(text(),
                     "confab-script 1\n\n"
                     "test \"two \\\"of\\\" them\" tags recorded {\n}\n");
    story_person(s, 7);
    story_direct(s, 5, 9, 7);
    entry(s, 5, 1, 9, ENTRY_MEMBER, "{\"op\":\"create\"}", 0);
    entry(s, 5, 2, 9, ENTRY_MSG, "{\"text\":\"lunch?\"}", 0);
    story_read(s, 5, 7, 2);
    story_read(s, 5, 7, 2);
    entry(s, 5, 2, 9, ENTRY_MSG, "{\"text\":\"lunch?\"}", 0);
    entry(s, 5, 3, 7, ENTRY_REACT, "{\"emoji\":\"+1\",\"on\":false}", 2);
    entry(s, 5, 4, 9, ENTRY_EDIT, "{\"text\":\"tea?\"}", 2);
    entry(s, 5, 5, 9, ENTRY_DELETE, NULL, 2);
    ck_assert_str_eq(text(), "confab-script 1\n\n"
                             "test \"two \\\"of\\\" them\" tags recorded {\n"
                             "  actor alice\n"
                             "  alice connects\n"
                             "  actor bob\n"
                             "  bob connects\n"
                             "  bob sends alice \"lunch?\" as $m1\n"
                             "  bob sees sent of $m1\n"
                             "  alice sees message from bob \"lunch?\"\n"
                             "  alice reads $m1\n"
                             "  bob sees read of $m1 by alice\n"
                             "  alice reacts $m1 \"+1\" off\n"
                             "  bob sees reaction from alice of $m1 "
                             "{ \"emoji\": \"+1\", \"on\": false }\n"
                             "  bob edits $m1 \"tea?\"\n"
                             "  alice sees edit from bob of $m1 \"tea?\"\n"
                             "  bob deletes $m1\n"
                             "  alice sees delete from bob of $m1\n"
                             "}\n");
    end(s);
}
END_TEST

START_TEST(tells_of_a_group)
{
    struct story *s = begin("group");
    struct entry reply = {.conv = 5,
                          .seq = 4,
                          .from = 2,
                          .kind = ENTRY_MSG,
                          .reply = 2,
                          .body = SPAN("{\"text\":\"yes\"}")};

    story_begins(s, 5, CONV_GROUP);
    entry(s, 5, 1, 1, ENTRY_MEMBER,
          "{\"op\":\"create\",\"users\":[\"u1\",\"u2\"],\"title\":\"ops\"}", 0);
    entry(s, 5, 2, 1, ENTRY_MSG, "{\"text\":\"a\"}", 0);
    entry(s, 5, 3, 1, ENTRY_MEMBER, "{\"op\":\"add\",\"users\":[\"u3\"]}", 0);
    story_entry(s, &reply);
    entry(s, 5, 5, 1, ENTRY_MEMBER,
          "{\"op\":\"role\",\"users\":[\"u3\"],\"role\":\"admin\"}", 0);
    entry(s, 5, 6, 2, ENTRY_MEMBER, "{\"op\":\"leave\",\"users\":[\"u2\"]}", 0);
    entry(s, 5, 7, 1, ENTRY_MEMBER, "{\"op\":\"remove\",\"users\":[\"u3\"]}",
          0);
    entry(s, 5, 8, 1, ENTRY_TITLE, "{\"title\":\"dev\"}", 0);
    entry(s, 5, 9, 1, ENTRY_MSG, "{\"text\":\"alone\"}", 0);
    ck_assert(has("  alice creates group \"ops\" with bob as $g1\n"));
    ck_assert(has("  bob sees message from alice in $g1 \"a\"\n"));
    ck_assert(has("  alice adds carol to $g1\n"
                  "  carol sees member of carol in $g1 is joined\n"));
    ck_assert(has("  bob replies $m1 \"yes\" as $m2\n"));
    ck_assert(has("  alice sees message from bob in $g1 { \"text\": \"yes\", "
                  "\"reply_to\": \"${m1.id}\" }\n"));
    /* She cannot know what it is a reply to. */
    ck_assert(has("  carol sees message from bob in $g1 \"yes\"\n"));
    ck_assert(has("  alice promotes carol in $g1 to admin\n"));
    ck_assert(has("  bob leaves $g1\n  alice removes carol from $g1\n"));
    ck_assert(has("  alice renames $g1 \"dev\"\n"
                  "  alice sends $g1 \"alone\" as $m3\n"
                  "  alice sees sent of $m3\n}\n"));
    end(s);
}
END_TEST

START_TEST(makes_an_older_group_anew)
{
    struct story *s = begin("older");

    story_group(s, 5, 1, SPAN("ops"));
    entry(s, 5, 80, 2, ENTRY_MSG, "{\"text\":\"hi\"}", 0);
    entry(s, 5, 81, 3, ENTRY_EDIT, "{\"text\":\"ho\"}", 79);
    entry(s, 5, 82, 2, ENTRY_TITLE, "{\"title\":\"dev\"}", 0);
    ck_assert(has("  alice creates group \"ops\" as $g1\n"
                  "  actor bob\n  bob connects\n"
                  "  alice adds bob to $g1\n"
                  "  bob sees member of bob in $g1 is joined\n"
                  "  bob sends $g1 \"hi\" as $m1\n"));
    ck_assert(has("# here carol changed what is not in this recording\n"));
    ck_assert(has("  alice renames $g1 \"dev\"\n"));
    end(s);
}
END_TEST

START_TEST(leaves_out_what_it_cannot_tell)
{
    struct story *s = begin("odd");
    char users[1024] = "{\"op\":\"create\",\"users\":[\"u1\"";

    story_begins(s, 5, CONV_GROUP);
    entry(s, 5, 7, 1, ENTRY_MSG, "{\"text\":\"not from the beginning\"}", 0);
    entry(s, 6, 1, 1, ENTRY_MSG, "{\"text\":\"unknown\"}", 0);
    story_read(s, 6, 1, 1);
    for (int i = 2; i < STORY_PEOPLE + 5; i++)
        snprintf(users + strlen(users), 16, ",\"u%d\"", i);
    strncat(users, "]}", 3);
    story_begins(s, 8, CONV_GROUP);
    entry(s, 8, 1, 1, ENTRY_MEMBER, users, 0);
    entry(s, 8, 2, 1, ENTRY_MSG, "{\"text\":\"too many of us\"}", 0);
    story_direct(s, 9, 1, 2);
    entry(s, 9, 1, 1, ENTRY_MSG, "{\"media\":{}}", 0);
    entry(s, 9, 2, 1, ENTRY_MSG, "not JSON", 0);
    ck_assert(!has("not from the beginning"));
    ck_assert(!has("unknown"));
    ck_assert(!has("too many of us"));
    ck_assert(has("more than 50"));
    ck_assert(has("something that is not text"));
    end(s);
}
END_TEST

START_TEST(ends_in_time)
{
    struct story *s = begin("long");
    char *body = malloc(70000);

    memset(body, 'x', 69999);
    body[69999] = '\0';
    memcpy(body, "{\"text\":\"", 9);
    memcpy(body + 69997, "\"}", 2);
    story_direct(s, 5, 1, 2);
    for (int i = 1; i <= 400 && story_state(s) == 0; i++)
        entry(s, 5, i, 1, ENTRY_MSG, body, 0);
    ck_assert_int_eq(story_state(s), -CF_TOO_BIG);
    ck_assert_uint_le(strlen(text()), STORY_MAX + 256);
    ck_assert(has("the recording ends here"));
    ck_assert_str_eq(written + strlen(written) - 2, "}\n");
    free(body);
    end(s);
}
END_TEST

static void masked(const char *in, const char *expected)
{
    struct story_secrets known = {0};
    struct buf out;

    buf_init(&out, 4096);
    story_mask(&out, span_of(in), &known);
    ck_assert_str_eq(buf_cstr(&out), expected);
    buf_release(&out);
    story_secrets_free(&known);
}

START_TEST(masks_secrets)
{
    masked("nothing to see: a token of love",
           "nothing to see: a token of love");
    masked("cfb_abcdefghijklmnopqrstuvwxyz", "[secret 1]");
    masked("my password is hunter2", "my password is [secret 1]");
    masked("the password is: hunter2", "the password is: [secret 1]");
    masked("this secret island", "this secret island");
    masked("cfb_short", "cfb_short");
    masked("Password: hunter2, again password=hunter2",
           "Password: [secret 1], again password=[secret 1]");
    masked("token=aaaa bbbb api_key: cccc",
           "token=[secret 1] bbbb api_key: [secret 2]");
    masked("Authorization: Bearer abc.def", "Authorization: Bearer [secret 1]");
    masked("https://bob:hunter2@example.org/x",
           "https://bob:[secret 1]@example.org/x");
    masked("https://example.org:80/a@b", "https://example.org:80/a@b");
    masked("-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----"
           "\nthere",
           "[secret 1]\nthere");
    masked("", "");
}
END_TEST

SUITE("story", tells_of_two, tells_of_a_group, makes_an_older_group_anew,
      leaves_out_what_it_cannot_tell, ends_in_time, masks_secrets)
