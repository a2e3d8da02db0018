/*
 * How agents authenticate with the master: CRAM-MD5 over messages (facts/observed.md, wire 18).
 *
 *     AuthenticateMessage{pid} -> Mechanisms -> Start -> Step (challenge) -> Step (answer)
 *                              -> Completed | Failed | Error
 *
 * Each exchange has an actor of its own, crammd5-authenticator-session(n), and ends with its
 * answer, by a timeout, by a newer one for the same client, or when the client's address is gone.
 * Who has authenticated stays so until its address is gone. A registration that comes during an
 * exchange waits for its end.
 */
#ifndef TEPUI_MASTER_AUTHENTICATE_H
#define TEPUI_MASTER_AUTHENTICATE_H

#include <stdbool.h>

#include "wire/netio.h"

struct master;
struct timer;

/* Exchanges under way, and clients that have authenticated; beyond, nobody new is listened to. */
#define AUTHENTICATE_EXCHANGES_MAX 10000
#define AUTHENTICATE_CLIENTS_MAX 200000

struct authenticator;

struct authenticator *master_authenticate_new(uint64_t seed) WARN_UNUSED;
struct authenticator *master_authenticate_free(struct master *master,
                                               struct authenticator *authenticator);

/* Whether an actor of this name is one of ours. */
bool master_authenticate_is_session(struct slice id);

/* An AuthenticateMessage to the master; and what comes to a session. */
void master_authenticate_begin(struct master *master, const struct upid *from, const char *pid);
void master_authenticate_message(struct master *master, const struct net_event *event);
void master_authenticate_timeout(struct master *master, struct timer *timer);
void master_authenticate_exited(struct master *master, const struct address *address);

enum authenticate_gate {
    AUTHENTICATE_PASS,   /* no authentication is asked for, or it has been given */
    AUTHENTICATE_WAIT,   /* an exchange is under way: the message is kept, and comes again */
    AUTHENTICATE_REFUSE, /* drop it in silence: the agent tries again */
};

/* Asked for each message by which an agent registers. */
enum authenticate_gate master_authenticate_agent(struct master *master,
                                                 const struct net_event *event);

#endif
