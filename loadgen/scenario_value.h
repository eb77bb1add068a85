/* scenario_value.h - numbers as people write them in scenarios and options,
 * both ways. */
#ifndef LOAD_SCENARIO_VALUE_H
#define LOAD_SCENARIO_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* "20_000", "20k", "1.5m": k, m, g are thousands, millions, thousand millions.
 * 0 or -CF_INVALID; never inf or nan. */
int value_number(const char *text, double *out);
/* "2k/s", "600/m", "1/h", "20k" (a second): a second. */
int value_rate(const char *text, double *out);
/* "30%", "0.3": 0..1 is not checked. */
int value_share(const char *text, double *out);
/* "127.1.0.0/16": IPv4 with a prefix of 8..32 bits. */
bool value_is_network(const char *text);

/* The shortest text that reads back to the same double. */
void value_put_number(struct buf *out, double v);
/* "30s", "1500ms": the largest unit that divides ms. */
void value_put_time(struct buf *out, int64_t ms);

#endif
