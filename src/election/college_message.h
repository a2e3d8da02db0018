/*
 * What masters that elect without ZooKeeper say to one another, and to those who ask who leads.
 *
 * Among masters it is the body of the libprocess message COLLEGE_MESSAGE_NAME, for and from the
 * actor COLLEGE_ACTOR. WHO and WATCH are bodies of POST COLLEGE_QUESTION_PATH, and TELL is the body
 * of the answer, so that nobody needs to be reached by masters in order to ask them.
 *
 * One byte of kind, two integers of eight bytes, the highest byte first, and a MasterInfo.
 */
#ifndef TEPUI_ELECTION_COLLEGE_MESSAGE_H
#define TEPUI_ELECTION_COLLEGE_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/blob.h"
#include "common/slice.h"

#define COLLEGE_ACTOR "election(1)"
#define COLLEGE_MESSAGE_NAME "tepui.election.CollegeMessage"
#define COLLEGE_QUESTION_PATH "/" COLLEGE_ACTOR "/leader"
#define COLLEGE_QUESTION_TYPE "application/octet-stream"
/* Bytes of a MasterInfo, and of a whole message. */
#define COLLEGE_INFO_SIZE_MAX (64u << 10)
#define COLLEGE_MESSAGE_SIZE_MAX (17 + COLLEGE_INFO_SIZE_MAX)

enum college_kind {
    COLLEGE_LEAD = 1, /* I lead by that number: number, stamp, info */
    COLLEGE_FOLLOW,   /* the answer: the highest number that I know, and the stamp */
    COLLEGE_ASK,      /* do you know of no leader? stamp */
    COLLEGE_FREE,     /* the answer, if so: the stamp */
    COLLEGE_LEAVE,    /* I lead no longer: number */
    COLLEGE_WHO,      /* who leads? stamp */
    COLLEGE_TELL,  /* the answer: the leader's number and info, empty if none is known; the stamp */
    COLLEGE_WATCH, /* as WHO, but to be answered once a number above this one leads; stamp */
};

struct college_message {
    enum college_kind kind;
    uint64_t number;   /* of the log's promise */
    uint64_t stamp;    /* the asker's own, given back as it came */
    struct slice info; /* encoded MasterInfo; empty = none */
};

struct blob *college_message_encode(const struct college_message *message) WARN_UNUSED;
/* False for anything else. The info points into the bytes, and holds a MasterInfo with an address
 * if it is not empty. */
bool college_message_decode(struct slice bytes, struct college_message *ret_message) WARN_UNUSED;

#endif
