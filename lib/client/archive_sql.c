#include "archive_sql.h"

/* Entries in order of their place in the log; the id index serves display ids
 * and the dedupe after a server was restored from a backup. */
const char archive_schema[] =
    "CREATE TABLE IF NOT EXISTS entry("
    " conv INTEGER NOT NULL, seq INTEGER NOT NULL, id INTEGER NOT NULL,"
    " ts INTEGER NOT NULL, kind INTEGER NOT NULL, sender INTEGER NOT NULL,"
    " dev INTEGER NOT NULL, of INTEGER NOT NULL, thread INTEGER NOT NULL,"
    " reply INTEGER NOT NULL, deleted INTEGER NOT NULL, cid TEXT,"
    " body BLOB, mention BLOB,"
    " PRIMARY KEY(conv, seq)) WITHOUT ROWID;"
    "CREATE UNIQUE INDEX IF NOT EXISTS entry_id ON entry(id);"
    /* What was there before the server was restored from a backup. */
    "CREATE TABLE IF NOT EXISTS former("
    " id INTEGER PRIMARY KEY, conv INTEGER NOT NULL, seq INTEGER NOT NULL,"
    " ts INTEGER NOT NULL, kind INTEGER NOT NULL, sender INTEGER NOT NULL,"
    " dev INTEGER NOT NULL, of INTEGER NOT NULL, thread INTEGER NOT NULL,"
    " reply INTEGER NOT NULL, deleted INTEGER NOT NULL, cid TEXT,"
    " body BLOB, mention BLOB);"
    "CREATE TABLE IF NOT EXISTS conv("
    " conv INTEGER PRIMARY KEY, kind INTEGER NOT NULL, mode INTEGER NOT NULL,"
    " title TEXT NOT NULL, peer INTEGER NOT NULL, role INTEGER NOT NULL,"
    " head INTEGER NOT NULL, acked INTEGER NOT NULL, read INTEGER NOT NULL,"
    " shown INTEGER NOT NULL, delivered_by INTEGER NOT NULL,"
    " read_by INTEGER NOT NULL, low INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS outbox("
    " row INTEGER PRIMARY KEY AUTOINCREMENT, conv INTEGER NOT NULL,"
    " cid TEXT NOT NULL, state INTEGER NOT NULL, kind INTEGER NOT NULL,"
    " frame BLOB NOT NULL, seq INTEGER NOT NULL, id INTEGER NOT NULL,"
    " queued INTEGER NOT NULL, code TEXT NOT NULL,"
    " UNIQUE(conv, cid));"
    "CREATE INDEX IF NOT EXISTS outbox_open ON outbox(state, row);"
    "CREATE INDEX IF NOT EXISTS outbox_next ON outbox(row) WHERE state <= 2;"
    "CREATE TABLE IF NOT EXISTS user("
    " user INTEGER PRIMARY KEY, name TEXT NOT NULL, display TEXT NOT NULL);"
    "CREATE INDEX IF NOT EXISTS user_name ON user(name);"
    "CREATE TABLE IF NOT EXISTS setting(key TEXT PRIMARY KEY, value TEXT);";

#define ENTRY_COLUMNS                                                         \
    "conv, seq, id, ts, kind, sender, dev, of, thread, reply, deleted, cid, " \
    "body, mention"
#define OUT_COLUMNS "row, conv, cid, state, kind, frame, seq, id, queued, code"

const char *const archive_sql[A_STATEMENTS] = {
    [A_BEGIN] = "BEGIN IMMEDIATE",
    [A_COMMIT] = "COMMIT",
    [A_ROLLBACK] = "ROLLBACK",
    [A_PUT] = "INSERT OR IGNORE INTO entry(" ENTRY_COLUMNS
              ") VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14)",
    [A_BLANK] = "UPDATE entry SET deleted = 1, body = NULL"
                " WHERE conv = ?1 AND seq = ?2",
    [A_RANGE_UP] = "SELECT " ENTRY_COLUMNS
                   " FROM entry WHERE conv = ?1 AND seq > ?2 AND seq < ?3"
                   " ORDER BY seq LIMIT ?4",
    [A_RANGE_DOWN] = "SELECT " ENTRY_COLUMNS
                     " FROM (SELECT * FROM entry WHERE conv = ?1 AND seq > ?2"
                     " AND seq < ?3 ORDER BY seq DESC LIMIT ?4) ORDER BY seq",
    [A_ONE] =
        "SELECT " ENTRY_COLUMNS " FROM entry WHERE conv = ?1 AND seq = ?2",
    [A_BY_ID] = "SELECT conv, seq FROM entry WHERE id = ?1",
    /* The first seq >= ?2 whose successor is missing. */
    [A_HOLE] = "SELECT seq FROM entry e WHERE conv = ?1 AND seq >= ?2"
               " AND NOT EXISTS(SELECT 1 FROM entry WHERE conv = ?1"
               " AND seq = e.seq + 1) ORDER BY seq LIMIT 1",
    [A_CONV_PUT] = "INSERT OR REPLACE INTO conv VALUES"
                   "(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)",
    [A_CONV_GET] = "SELECT * FROM conv WHERE conv = ?1",
    [A_CONVS] = "SELECT * FROM conv ORDER BY conv",
    [A_FORGET] = "UPDATE conv SET acked = 0, head = 0, low = 0, read = 0,"
                 " delivered_by = 0, read_by = 0",
    [A_FORGET_TAILS] = "DELETE FROM setting WHERE key GLOB 'cursor:*'",
    [A_LAY_ASIDE] = "INSERT OR IGNORE INTO former(" ENTRY_COLUMNS
                    ") SELECT " ENTRY_COLUMNS " FROM entry",
    [A_EMPTY] = "DELETE FROM entry",
    [A_FORMER] = "SELECT 1 FROM former WHERE id = ?1",
    [A_OUT_ADD] = "INSERT OR IGNORE INTO outbox"
                  "(conv, cid, state, kind, frame, seq, id, queued, code)"
                  " VALUES(?1,?2,?3,?4,?5,0,0,?6,'')",
    [A_OUT_SET] = "UPDATE outbox SET state = ?3, seq = ?4, id = ?5, code = ?6"
                  " WHERE conv = ?1 AND cid = ?2",
    [A_OUT_GET] =
        "SELECT " OUT_COLUMNS " FROM outbox WHERE conv = ?1 AND cid = ?2",
    [A_OUT_LIST] =
        "SELECT " OUT_COLUMNS " FROM outbox WHERE state <= 2 ORDER BY row",
    [A_USER_PUT] = "INSERT OR REPLACE INTO user VALUES(?1,?2,?3)",
    [A_USER_NAME] = "SELECT name FROM user WHERE user = ?1",
    [A_USER_FIND] = "SELECT user FROM user WHERE name = ?1",
    [A_SET] = "INSERT OR REPLACE INTO setting VALUES(?1,?2)",
    [A_GET] = "SELECT value FROM setting WHERE key = ?1",
};
