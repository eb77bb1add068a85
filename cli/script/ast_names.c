/* The words of the language that are values of an enumeration. */
#include "ast_names.h"

const char *const verb_names[VERBS + 1] = {
    [VERB_CONNECTS] = "connects",
    [VERB_DISCONNECTS] = "disconnects",
    [VERB_RESUMES] = "resumes",
    [VERB_SENDS] = "sends",
    [VERB_REPLIES] = "replies",
    [VERB_EDITS] = "edits",
    [VERB_DELETES] = "deletes",
    [VERB_REACTS] = "reacts",
    [VERB_READS] = "reads",
    [VERB_TYPES] = "types",
    [VERB_VIEWS] = "views",
    [VERB_JOINS] = "joins",
    [VERB_LEAVES] = "leaves",
    [VERB_UPLOADS] = "uploads",
    [VERB_DOWNLOADS] = "downloads",
    [VERB_CREATES] = "creates",
    [VERB_ADDS] = "adds",
    [VERB_REMOVES] = "removes",
    [VERB_RENAMES] = "renames",
    [VERB_PROMOTES] = "promotes",
    [VERB_BLOCKS] = "blocks",
    [VERB_UNBLOCKS] = "unblocks",
    [VERB_VERIFIES] = "verifies",
    [VERB_ROTATES] = "rotates",
    [VERB_RAW] = "raw",
};

const char *const see_names[SEE_KINDS + 1] = {
    [SEE_MESSAGE] = "message",
    [SEE_SENT] = "sent",
    [SEE_DELIVERED] = "delivered",
    [SEE_READ] = "read",
    [SEE_PRESENCE] = "presence",
    [SEE_TYPING] = "typing",
    [SEE_MEMBER] = "member",
    [SEE_MEDIA] = "media",
    [SEE_KEY] = "key",
    [SEE_LINK] = "link",
    [SEE_ERROR] = "error",
    [SEE_EDIT] = "edit",
    [SEE_DELETE] = "delete",
    [SEE_REACTION] = "reaction",
    [SEE_TITLE] = "title",
    [SEE_GAP] = "gap",
};

const char *verb_name(enum verb v)
{
    return verb_names[v];
}

const char *see_name(enum event_kind k)
{
    return see_names[k];
}
