#include "store/sqlite_sql.h"

/* The head is not stored: it is the last row of the range of the conversation
 * in entries_seq. One row less to write for each message, and no way for the
 * two to disagree. */
#define CONV_COLUMNS                                               \
    "c.conv, c.kind, c.mode,"                                      \
    " coalesce((SELECT e.seq FROM entries e WHERE e.conv = c.conv" \
    "  ORDER BY e.seq DESC LIMIT 1), 0),"                          \
    " coalesce((SELECT e.id FROM entries e WHERE e.conv = c.conv"  \
    "  ORDER BY e.seq DESC LIMIT 1), 0),"                          \
    " c.term, c.epoch, c.members, c.a, c.b, c.created, c.title"

#define MEMBER_COLUMNS \
    "m.conv, m.user, m.role, m.joined, m.parted, m.delivered, m.seen"

#define ENTRY_COLUMNS                                                       \
    "id, conv, seq, ts, kind, sender, dev, target, thread, reply, expires," \
    " deleted, trace, cid, body, mention"

#define USER_COLUMNS \
    "user, iif(deleted, '', name), display, contact, pwhash, created, deleted"

/* A membership with its conversation, the devices' marks and the other one of a
 * direct conversation. */
#define MEMBER_FULL                                                         \
    "SELECT " MEMBER_COLUMNS ", m.acks, p.delivered, p.seen, " CONV_COLUMNS \
    " FROM members m JOIN convs c ON c.conv = m.conv"                       \
    " LEFT JOIN members p ON c.kind = 1 AND p.conv = m.conv AND p.user ="   \
    "  iif(c.a = m.user, c.b, c.a)"

const char *const sql_text[SQL_COUNT] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",
    [SQL_BEGIN_READ] = "BEGIN",

    [SQL_CONV] = "SELECT " CONV_COLUMNS " FROM convs c WHERE c.conv = ?1",
    [SQL_CONV_ADD] =
        "INSERT INTO convs (conv, kind, mode, term, epoch, members, a, b,"
        " created, title) VALUES (?1, ?2, ?3, ?4, 0, 0, ?5, ?6, ?7, ?8)",
    [SQL_CONV_TERM] = "UPDATE convs SET term = ?2 WHERE conv = ?1",
    [SQL_CONV_ROSTER] =
        "UPDATE convs SET epoch = ?2, members = ?3 WHERE conv = ?1",
    [SQL_CONV_TITLE] = "UPDATE convs SET title = ?2 WHERE conv = ?1",
    [SQL_CONV_DIRECT] =
        "SELECT conv FROM convs WHERE kind = 1 AND a = ?1 AND b = ?2"
        " AND mode = ?3",
    [SQL_CREATED] = "SELECT conv FROM creates WHERE user = ?1 AND cid = ?2",
    [SQL_CREATED_ADD] =
        "INSERT INTO creates (user, cid, conv) VALUES (?1, ?2, ?3)",
    [SQL_HEAD] = "SELECT seq FROM entries WHERE conv = ?1"
                 " ORDER BY seq DESC LIMIT 1",
    [SQL_ENTRY] = "SELECT " ENTRY_COLUMNS " FROM entries"
                  " WHERE conv = ?1 AND seq = ?2",
    [SQL_ENTRY_CID] = "SELECT " ENTRY_COLUMNS " FROM entries"
                      " WHERE conv = ?1 AND sender = ?2 AND cid = ?3",
    [SQL_ENTRY_ADD] =
        "INSERT INTO entries (id, conv, seq, ts, kind, sender, dev, target,"
        " thread, reply, expires, deleted, trace, hash, gone, cid, body,"
        " mention) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0,"
        " ?12, ?13, 0, ?14, ?15, ?16)",
    [SQL_KEY] = "SELECT seq, id, ts, hash FROM entries"
                " WHERE conv = ?1 AND sender = ?2 AND cid = ?3",
    [SQL_TARGET] = "SELECT kind, sender, deleted FROM entries"
                   " WHERE conv = ?1 AND seq = ?2",
    [SQL_SAID] = "SELECT 1 FROM entries WHERE conv = ?1 AND sender = ?2"
                 " AND kind = 1 LIMIT 1",
    [SQL_BLANK] = "UPDATE entries SET body = NULL, mention = NULL,"
                  " deleted = 1, gone = ?3"
                  " WHERE conv = ?1 AND seq = ?2 AND deleted = 0",
    [SQL_BLANK_EDITS] = "UPDATE entries SET body = NULL, mention = NULL,"
                        " deleted = 1, gone = ?3 WHERE conv = ?1"
                        " AND target = ?2 AND kind = 2 AND deleted = 0",
    [SQL_PAGE_UP] = "SELECT " ENTRY_COLUMNS " FROM entries WHERE conv = ?1"
                    " AND seq > ?2 AND seq < ?3 ORDER BY seq LIMIT ?4",
    [SQL_PAGE_DOWN] = "SELECT " ENTRY_COLUMNS " FROM entries WHERE conv = ?1"
                      " AND seq > ?2 AND seq < ?3 ORDER BY seq DESC LIMIT ?4",
    [SQL_THREAD_UP] = "SELECT " ENTRY_COLUMNS " FROM entries WHERE conv = ?1"
                      " AND seq > ?2 AND seq < ?3 AND thread = ?5"
                      " AND thread > 0 ORDER BY seq LIMIT ?4",
    [SQL_THREAD_DOWN] = "SELECT " ENTRY_COLUMNS " FROM entries WHERE conv = ?1"
                        " AND seq > ?2 AND seq < ?3 AND thread = ?5"
                        " AND thread > 0 ORDER BY seq DESC LIMIT ?4",
    [SQL_EXPIRED] = "SELECT conv, seq FROM entries WHERE expires > 0"
                    " AND deleted = 0 AND expires <= ?1"
                    " ORDER BY expires LIMIT ?2",
    [SQL_DROP_KEYS] = "UPDATE entries SET cid = NULL WHERE id IN (SELECT id"
                      " FROM entries WHERE gone > 0 AND cid IS NOT NULL"
                      " AND gone <= ?1 ORDER BY gone LIMIT ?2)",

    [SQL_MEMBER] = MEMBER_FULL " WHERE m.conv = ?1 AND m.user = ?2",
    [SQL_MEMBER_STATE] = "SELECT role, parted, delivered, seen, acks"
                         " FROM members WHERE conv = ?1 AND user = ?2",
    [SQL_MEMBER_PUT] =
        "INSERT INTO members (conv, user, role, joined, parted, delivered,"
        " seen) VALUES (?1, ?2, ?3, ?4, 0, 0, 0)"
        " ON CONFLICT (conv, user) DO UPDATE SET role = ?3,"
        " joined = iif(role = 0, ?4, joined), parted = 0",
    [SQL_MEMBER_LEFT] = "UPDATE members SET role = 0, parted = ?3"
                        " WHERE conv = ?1 AND user = ?2",
    [SQL_ROSTER] = "SELECT " MEMBER_COLUMNS " FROM members m"
                   " WHERE m.conv = ?1 AND m.user > ?2 AND m.role > 0"
                   " ORDER BY m.user LIMIT ?3",
    [SQL_SHARES] = "SELECT 1 FROM members a CROSS JOIN members b"
                   " ON b.conv = a.conv AND b.user = ?2 AND b.role > 0"
                   " WHERE a.user = ?1 AND a.role > 0 LIMIT 1",
    [SQL_CONVS_OF] = MEMBER_FULL
    " WHERE m.user = ?1 AND m.conv > ?2 AND (c.kind != 4 OR EXISTS"
    " (SELECT 1 FROM entries e WHERE e.conv = m.conv))"
    " ORDER BY m.conv LIMIT ?3",
    [SQL_MARK] = "UPDATE members SET delivered = ?3, seen = ?4, acks = ?5"
                 " WHERE conv = ?1 AND user = ?2",
    [SQL_ACKS_OF] = "SELECT conv, acks FROM members WHERE user = ?1"
                    " AND conv > ?2 AND acks IS NOT NULL ORDER BY conv LIMIT 1",
    [SQL_ACKS_SET] = "UPDATE members SET acks = ?3 WHERE conv = ?1"
                     " AND user = ?2",

    [SQL_USER] = "SELECT " USER_COLUMNS " FROM users WHERE user = ?1",
    [SQL_USER_NAME] = "SELECT " USER_COLUMNS " FROM users WHERE name = ?1"
                      " AND deleted = 0",
    [SQL_USER_TAKEN] = "SELECT 1 FROM users WHERE user = ?1 OR name = ?2"
                       " UNION ALL SELECT 1 FROM convs WHERE conv = ?1",
    [SQL_USER_LIVE] = "SELECT 1 FROM users WHERE user = ?1 AND deleted = 0",
    [SQL_USER_ADD] =
        "INSERT INTO users (user, name, display, contact, pwhash, created,"
        " deleted, last_dev) VALUES (?1, ?2, ?2, ?3, ?4, ?5, 0, 0)",
    [SQL_USER_SET] = "UPDATE users SET display = coalesce(?2, display),"
                     " contact = coalesce(?3, contact),"
                     " pwhash = coalesce(?4, pwhash) WHERE user = ?1",
    [SQL_USER_DELETE] = "UPDATE users SET display = '', pwhash = '',"
                        " deleted = 1 WHERE user = ?1",
    [SQL_USER_NEXT_DEV] = "UPDATE users SET last_dev = last_dev + 1"
                          " WHERE user = ?1 RETURNING last_dev",
    [SQL_DELETE_DEVICES] = "DELETE FROM devices WHERE user = ?1",
    [SQL_DELETE_ACKS] = "UPDATE members SET acks = NULL WHERE user = ?1"
                        " AND acks IS NOT NULL",
    [SQL_DELETE_BLOCKS] = "DELETE FROM blocks WHERE user = ?1",
    [SQL_DELETE_BODIES] = "UPDATE entries SET body = NULL, mention = NULL,"
                          " deleted = 1, gone = ?3 WHERE conv = ?1"
                          " AND sender = ?2 AND deleted = 0",
    [SQL_DELETE_SELF] = "UPDATE entries SET body = NULL, mention = NULL,"
                        " deleted = 1, gone = ?2 WHERE conv = ?1"
                        " AND deleted = 0",
    [SQL_CONVS_EVER] = "SELECT conv FROM members WHERE user = ?1"
                       " AND conv > ?2 ORDER BY conv LIMIT 1",
    [SQL_DEVICES] = "SELECT user, dev, name, created, seen, revoked"
                    " FROM devices WHERE user = ?1 AND revoked = 0"
                    " ORDER BY dev",
    [SQL_DEVICE_COUNT] = "SELECT count(*) FROM devices WHERE user = ?1"
                         " AND revoked = 0",
    [SQL_DEVICE_ADD] =
        "INSERT INTO devices (user, dev, name, created, seen, revoked, hash)"
        " VALUES (?1, ?2, ?3, ?4, ?4, 0, ?5)",
    [SQL_DEVICE_SET] = "UPDATE devices SET name = coalesce(?3, name),"
                       " seen = max(seen, ?4) WHERE user = ?1 AND dev = ?2"
                       " AND revoked = 0",
    [SQL_DEVICE_REVOKE] = "UPDATE devices SET revoked = 1, hash = NULL"
                          " WHERE user = ?1 AND dev = ?2 AND revoked = 0",
    [SQL_DEVICE_LIVE] = "SELECT 1 FROM devices WHERE user = ?1 AND dev = ?2"
                        " AND revoked = 0",
    [SQL_TOKEN] = "SELECT user, dev FROM devices WHERE hash = ?1",
    [SQL_BLOCKED] = "SELECT 1 FROM blocks WHERE user = ?1 AND other = ?2",
    [SQL_BLOCK_COUNT] = "SELECT count(*) FROM blocks WHERE user = ?1",
    [SQL_BLOCK_ADD] = "INSERT INTO blocks (user, other) VALUES (?1, ?2)",
    [SQL_BLOCK_DROP] = "DELETE FROM blocks WHERE user = ?1 AND other = ?2",
    [SQL_BLOCKS] = "SELECT other FROM blocks WHERE user = ?1 ORDER BY other",
    [SQL_INVITE] = "SELECT expires FROM invites WHERE hash = ?1",
    [SQL_INVITE_ADD] = "INSERT INTO invites (hash, user, expires, created)"
                       " VALUES (?1, ?2, ?3, ?4)",
    [SQL_INVITE_DROP] = "DELETE FROM invites WHERE hash = ?1",
    [SQL_AUDIT_ADD] = "INSERT INTO audit (ts, who, what, about)"
                      " VALUES (?1, ?2, ?3, ?4)",
    [SQL_AUDIT] = "SELECT ts, who, what, about FROM audit"
                  " ORDER BY line DESC LIMIT ?1",
    [SQL_META] = "SELECT value FROM meta WHERE key = ?1",
    [SQL_META_SET] = "INSERT INTO meta (key, value) VALUES (?1, ?2)"
                     " ON CONFLICT (key) DO UPDATE SET value = ?2",
    /* A window of seqs: one page never walks more of a log than that. */
    [SQL_EXPORT_ENTRIES] =
        "SELECT " ENTRY_COLUMNS " FROM entries WHERE conv = ?1 AND seq > ?2"
        " AND seq <= ?3 AND sender = ?4 ORDER BY seq",
    [SQL_STATS] = "SELECT (SELECT count(*) FROM users WHERE deleted = 0),"
                  " (SELECT count(*) FROM convs),"
                  " coalesce((SELECT value FROM meta WHERE key = 'entries'),"
                  "  0),"
                  " (SELECT page_count * page_size FROM pragma_page_count,"
                  "  pragma_page_size),"
                  " (SELECT count(*) FROM devices WHERE revoked = 0)",
};
