/* artifacts.h - what is kept of a test for a closer look: DIR/FILE/NNN-NAME/
 * with actor-NAME.jsonl, timeline.jsonl, server.log and result.json. */
#ifndef SCRIPT_ARTIFACTS_H
#define SCRIPT_ARTIFACTS_H

#include "ast.h"
#include "base/error.h"
#include "result.h"

#define ARTIFACTS_LOG_MAX (16 << 20) /* bytes of a server's log */

/* The directory of a test below root, made with what is above it. Names
 * become letters, digits, '.', '_' and '-', so none leads out of root. 0,
 * -CF_IO, -CF_TOO_BIG. */
int artifacts_make(char *out, size_t size, const char *root, const char *file,
                   int index, const char *name, struct error *err);

/* result.json, and from r->events the timeline and each actor's part. */
int artifacts_write(const char *dir, const struct test_result *r,
                    struct error *err);

/* Copy the log from byte `from` on: what the server said during this test.
 * The first ARTIFACTS_LOG_MAX bytes of that. */
int artifacts_log(const char *dir, const char *log, int64_t from,
                  struct error *err);

#endif
