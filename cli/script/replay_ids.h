/* replay_ids.h - the ids of a log and those of the server it is played to:
 * which stands for which is learned from the frames that fit. */
#ifndef SCRIPT_REPLAY_IDS_H
#define SCRIPT_REPLAY_IDS_H

#include "base/json.h"
#include "base/map.h"

struct replay_ids {
    struct strmap there; /* of the log -> of the server */
    struct strmap back;
    bool hints; /* how far somebody got counts, too */
};

void replay_ids_init(struct replay_ids *ids);
void replay_ids_release(struct replay_ids *ids);
/* logged stands for real from now on. False: one of them is taken. */
bool replay_ids_bind(struct replay_ids *ids, const char *logged,
                     const char *real);
/* A copy in the ids of the server, or of the log (back). What is unknown
 * stays. */
json_t *replay_ids_translate(const struct replay_ids *ids, const json_t *frame,
                             bool back);
/* Can the frame that came be the one of the log? Then new ids are bound. */
bool replay_ids_fit(struct replay_ids *ids, const json_t *logged,
                    const json_t *came);
/* Take out what differs each time: times, nodes, texts for people. */
void replay_ids_strip(const struct replay_ids *ids, json_t *frame);
/* Is the text a user ('u'), a conversation ('c'), or an id of digits ('#')?
 * 0: none of these. */
char replay_id_kind(const char *text);

#endif
