/* archive_sql.h - the schema and the statements of the archive; for archive*.c
 * only. */
#ifndef CLIENT_ARCHIVE_SQL_H
#define CLIENT_ARCHIVE_SQL_H

#include <sqlite3.h>

#include "client/archive.h"

enum archive_statement {
    A_BEGIN,
    A_COMMIT,
    A_ROLLBACK,
    A_PUT,
    A_BLANK,
    A_RANGE_UP,
    A_RANGE_DOWN,
    A_ONE,
    A_BY_ID,
    A_HOLE,
    A_CONV_PUT,
    A_CONV_GET,
    A_CONVS,
    A_FORGET,
    A_FORGET_TAILS,
    A_LAY_ASIDE,
    A_EMPTY,
    A_FORMER,
    A_OUT_ADD,
    A_OUT_SET,
    A_OUT_GET,
    A_OUT_LIST,
    A_USER_PUT,
    A_USER_NAME,
    A_USER_FIND,
    A_SET,
    A_GET,
    A_STATEMENTS
};

struct archive {
    sqlite3 *db;
    sqlite3_stmt *statements[A_STATEMENTS];
    int depth; /* of archive_begin() */
};

extern const char archive_schema[];
extern const char *const archive_sql[A_STATEMENTS];

/* A statement ready to be bound. Reset it when done. */
sqlite3_stmt *archive_use(struct archive *a, enum archive_statement which);
/* Step to the end and reset: 0 or a CF_* code, negative. */
int archive_run(sqlite3_stmt *st);

#endif
