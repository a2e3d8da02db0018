/*
 * What the parts of the server share: server.c (listening, the set of connections), server_conn.c
 * (one connection: reading, timeouts, its end) and server_answer.c (answers).
 */
#ifndef TEPUI_NET_SERVER_INTERNAL_H
#define TEPUI_NET_SERVER_INTERNAL_H

#include "common/map.h"
#include "net/server.h"

/* Read from a socket at a time: some dozens of pipelined messages, and then others have their turn.
 */
#define SERVER_READ_SIZE 65536

struct bufferevent;
struct evbuffer;
struct render;

/* What a connection may be too slow at, each with a deadline of its own. */
enum due {
    DUE_HEAD,   /* the rest of a head */
    DUE_BODY,   /* more of a body that is collected */
    DUE_OUTPUT, /* a look at whether unsent bytes are taken */
    DUE_LINGER, /* the client's own end, after our last answer */
    DUE_COUNT,
};

/* Why a connection is not read: bits. */
enum pause {
    PAUSE_PIPELINE = 1, /* too much is unanswered or unsent */
    PAUSE_BODY = 2,     /* server_pause_body */
};

enum exchange_state {
    EXCHANGE_READING,   /* the body is being collected; nobody was told */
    EXCHANGE_WAITING,   /* told, not answered */
    EXCHANGE_RENDERING, /* its answer is being made, or waits its turn for that */
    EXCHANGE_STREAMING, /* its answer has begun */
    EXCHANGE_DONE,      /* its answer is complete; it may wait for earlier ones */
};

/* A request and its answer. */
struct exchange {
    struct list link;          /* in the connection, in order of requests */
    struct map_link by_handle; /* in the server */
    struct conn *conn;
    uint64_t handle;
    enum exchange_state state;
    bool streaming;               /* the request's body is told piece by piece */
    bool keep_alive;              /* the connection may go on behind the answer */
    bool gzip;                    /* the client accepts zipped answers */
    bool cut;                     /* DONE without an end: nothing may follow on the connection */
    const struct http_head *head; /* while the body is being read */
    struct buf body;              /* collected */
    struct evbuffer *held;   /* of the answer, while earlier ones are missing; NULL = nothing */
    struct render *render;   /* RENDERING: not begun, or in a worker */
    bool opening;            /* the first piece of the stream is still to come */
    struct evbuffer *behind; /* pieces of a stream that come after that */
    bool closes;             /* so does the end of the stream */
    bool lent;               /* among what is held are bytes that were lent */
    bool marked;             /* NET_STREAM_MARK: its writer waits to be told */
    uint64_t opened_size;    /* conn->written_size when such a first piece had been written */
};

struct conn {
    uint32_t magic;
    struct server *server;
    struct list link; /* in server->idle or server->busy */
    struct bufferevent *bev;
    struct address peer;
    struct http_reader *reader; /* NULL between requests */
    struct exchange *reading;   /* whose head or body is being read; NULL = none */
    struct list exchanges;      /* not answered or not in their turn, in order of requests */
    size_t exchange_count;
    struct loop_task task;   /* goes on reading, or frees a dead connection */
    struct loop_timer timer; /* set to the earliest of due, or before */
    int64_t due[DUE_COUNT];  /* TIME_NEVER = nothing to wait for */
    uint64_t written_size;   /* bytes put into the output, ever */
    uint64_t taken_size;     /* of these, taken by the client at the last look */
    int64_t taken_ns;        /* when that last changed */
    uint64_t lent_end;       /* written_size behind the last lent byte */
    int64_t lent_since_ns;   /* since when there has always been one that was not taken */
    uint64_t hurry_taken;    /* bytes taken when it was asked to hurry last */
    int64_t hurried_ns;      /* when that was */
    unsigned pauses;         /* enum pause; 0 = reading */
    bool kept;               /* carries messages: not to be closed for room */
    bool deaf;               /* what comes is dropped: there is no further request */
    bool closing;            /* to be closed when the output is empty */
    bool cut;                /* then, whatever is still unanswered */
    bool lingers;            /* then, only our side: the client is still sending */
    bool dead;               /* to be freed by the task */
};

#define CONN_MAGIC 0x434f4e4eu

struct server {
    struct loop *loop;
    struct workers *workers;
    const struct server_handlers *handlers;
    void *arg; /* for the handlers */
    struct server_limits limits;

    struct list listeners;
    struct loop_timer accept_timer; /* accepts again after there were no descriptors */

    struct list idle; /* connections that could be closed for room, longest idle first */
    struct list busy; /* all others */
    size_t count;     /* of both */

    struct map exchanges; /* by handle */
    uint64_t next_handle;
    struct list renders; /* all under way; they may outlive their exchange */

    char input[SERVER_READ_SIZE]; /* what was just read, until it has been fed to a reader */
    struct buf scratch;           /* an answer being written */
    struct buf date;              /* of date_secs, as text */
    int64_t date_secs;
};

/* --- server.c --- */

void server_forget(struct server *server, struct conn *conn); /* off its list and the count */

/* --- server_conn.c --- */

void conn_new(struct server *server, struct bufferevent *bev, const struct address *peer);
/* The end, now: its requests are told as gone from the loop. */
void conn_kill(struct conn *conn);
/* At once, and untold. */
void conn_free(struct conn *conn);
struct exchange *conn_first(const struct conn *conn); /* whose turn it is; NULL = none */
/* Bytes not taken by the client. */
size_t conn_unsent_size(const struct conn *conn);
/* Something was put into the output. */
void conn_wrote(struct conn *conn, size_t size);
/* Answers have come or gone out: turns, pauses, closing. */
void conn_advance(struct conn *conn);
void conn_set_pause(struct conn *conn, enum pause why, bool paused);
/* Lent bytes were put into the output, or are held for it: before they are counted by conn_wrote.
 */
void conn_lend(struct conn *conn);
bool conn_has_lent(const struct conn *conn);
/* False if it keeps what it was lent for too long, or has stopped taking it. */
bool conn_hurries(struct conn *conn, int64_t at_ns);
/* A stream was marked: its writer is told, from the loop, when the client has taken enough. */
void conn_mark(struct conn *conn);
/* Unsent bytes below which libevent tells that there is room. */
size_t server_low_size(const struct server *server);

/* --- server_answer.c --- */

struct exchange *exchange_new(struct conn *conn);
void exchange_free(struct exchange *exchange); /* also off its connection */
/* It is its turn: what was held goes out, and a render begins. */
void exchange_turn(struct exchange *exchange);
struct exchange *exchange_find(struct server *server, uint64_t handle); /* NULL if gone */
void exchange_answer_text(struct exchange *exchange, int status, const char *text);
/* The server goes: what workers still render is for nobody. */
void server_orphan_renders(struct server *server);

#endif
