/* json.h - jansson behind one door, for everything but the hot path:
 * configuration, admin, client output. Getters check the type: a mistyped
 * member is an error, never zero. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

/* Parse with duplicate keys refused, after a linear pre-scan that bounds depth
 * (8) and structural characters (512, or more when asked). NULL on error; free
 * with json_decref(). */
json_t *json_parse(struct span text, struct error *err);
json_t *json_parse_bounded(struct span text, int depth, int structure,
                           struct error *err);

/* Members of an object. Required ones: 0, or -CF_INVALID with a message that
 * names the member. Optional ones leave *out alone when the member is absent
 * or null. Strings live as long as the object. */
int json_need_text(const json_t *o, const char *key, const char **out,
                   struct error *err);
int json_need_int(const json_t *o, const char *key, int64_t min, int64_t max,
                  int64_t *out, struct error *err);
int json_want_text(const json_t *o, const char *key, const char **out,
                   struct error *err);
int json_want_int(const json_t *o, const char *key, int64_t min, int64_t max,
                  int64_t *out, struct error *err);
int json_want_bool(const json_t *o, const char *key, bool *out,
                   struct error *err);

/* Compact text of j appended to out; ascii escapes everything above 0x7e. */
int json_write(struct buf *out, const json_t *j, bool ascii);

/* Append s as a JSON string with quotes; invalid UTF-8 becomes U+FFFD. */
int json_write_text(struct buf *out, struct span s);

#endif
