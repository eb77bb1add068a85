/* account.h - one operation on an account (accounts.h), which outlives its
 * request: its steps in the store and in the workers, and how it ends. On the
 * thread of its shard. */
#ifndef SERVER_ACCOUNT_H
#define SERVER_ACCOUNT_H

#include "auth.h"
#include "http.h"

struct account {
    struct http_peer *http; /* NULL: nobody waits any more */
    struct shard *shard;
    struct store_op op;
    bool op_used;
    char name[LIMIT_NAME + 1];
    char device[LIMIT_DEVICE_NAME + 1];
    char invite[LIMIT_INVITE + 1];
    char password[LIMIT_PASSWORD + 1], fresh[LIMIT_PASSWORD + 1];
    char pwhash[AUTH_HASH_TEXT];
    char token[AUTH_TOKEN_TEXT];
    char by_name[64], by_address[80]; /* keys of throttle.h */
    uint64_t user;
    uint32_t dev;
    bool right;                      /* the password is */
    void (*next)(struct account *a); /* after the worker */
    int rc;
};

/* Take the members of the body: name and password, or without a name the old
 * password and a new one. NULL after an error was answered. */
struct account *account_new(struct http_peer *h, bool with_name);
/* The same without looking at the body. */
struct account *account_alloc(struct http_peer *h);

/* NULL leaves out as it is. False: the text is too long. */
bool account_copy(char *out, size_t size, const char *text);

/* Submit the store operation of this step; done runs with it. */
void account_submit(struct account *a, enum store_verb verb,
                    store_done_fn *done);
/* Run work(a), one of the two, in a worker, then next(a) here. */
void account_in_worker(struct account *a, void (*work)(void *),
                       void (*next)(struct account *));
void account_hash(void *a); /* the new password, or the only one: pwhash, rc */
void account_verify(void *a); /* the password against pwhash: right */

/* Exactly one of these ends an operation. */
void account_fail(struct account *a, const char *code, int64_t retry,
                  const char *msg);
void account_fail_code(struct account *a, int rc);
void account_answer_token(struct account *a, int status);
void account_free(struct account *a); /* answered already */

#endif
