#include "daemon/agent_consoles.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "common/xalloc.h"

/* One read, and what is read at most after the end: more than pipes and terminals hold. */
#define READ_SIZE (64u << 10)
#define REST_SIZE_MAX (4u << 20)
#define TTY_END '\x04'

enum { IN, OUT, ERR };

struct agent_console {
    struct list link;
    struct agent_consoles *consoles;
    char *path;              /* of the container; heap */
    bool is_tty;             /* one descriptor is all three */
    int fds[3];              /* our ends; -1 = closed */
    struct event *events[3]; /* NULL = not waited for */
    struct buf input;        /* not taken yet */
    bool input_ends;         /* behind it comes the end */
    uint64_t paused_handle;  /* the request that is paused; 0 = none */
};

/* The container's ends, until it has them. */
struct console_ends {
    struct container_stdio stdio;
};

void agent_consoles_init(struct agent_consoles *consoles)
{
    list_init(&consoles->list);
}

static void close_end(struct agent_console *console, int which)
{
    if (console->is_tty && which == OUT && console->fds[IN] >= 0) {
        close_end(console, IN);
    }
    if (console->events[which] != NULL) {
        event_free(console->events[which]);
        console->events[which] = NULL;
    }
    if (console->fds[which] >= 0 && !(console->is_tty && which == IN)) {
        (void)close(console->fds[which]);
    }
    console->fds[which] = -1;
}

static void resume(struct agent_console *console)
{
    if (console->paused_handle != 0) {
        console->consoles->pause(console->consoles->arg, console->paused_handle, false);
        console->paused_handle = 0;
    }
}

static void console_free(struct agent_console *console)
{
    resume(console);
    for (int i = IN; i <= ERR; i++) {
        close_end(console, i);
    }
    list_remove(&console->link);
    buf_deinit(&console->input);
    free(console->path);
    free(console);
}

void agent_consoles_deinit(struct agent_consoles *consoles)
{
    struct agent_console *console;
    LIST_FOR_EACH (console, &consoles->list, link) {
        console_free(console);
    }
}

static struct agent_console *find(struct agent_consoles *consoles, const char *path)
{
    struct agent_console *console;
    LIST_FOR_EACH (console, &consoles->list, link) {
        if (strcmp(console->path, path) == 0) {
            return console;
        }
    }
    return NULL;
}

/* --- making --- */

static void free_ends(struct container_stdio *stdio)
{
    for (int i = IN; i <= ERR; i++) {
        bool is_first = true;
        for (int j = IN; j < i; j++) {
            is_first = is_first && stdio->fds[j] != stdio->fds[i];
        }
        if (stdio->fds[i] >= 0 && is_first) {
            (void)close(stdio->fds[i]);
        }
    }
    free(CONTAINER_OF(stdio, struct console_ends, stdio));
}

static int set_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ? -errno : 0;
}

static int open_pipes(struct agent_console *console, int ends[3])
{
    for (int i = IN; i <= ERR; i++) {
        int pair[2];
        if (pipe2(pair, O_CLOEXEC) != 0) {
            return -errno;
        }
        console->fds[i] = pair[i == IN];
        ends[i] = pair[i != IN];
        int r = set_nonblocking(console->fds[i]);
        if (r != 0) {
            return r;
        }
    }
    return 0;
}

static int open_terminal(struct agent_console *console, const struct container_spec *spec,
                         int ends[3])
{
    char name[128];
    int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    console->is_tty = true;
    console->fds[IN] = console->fds[OUT] = fd;
    if (grantpt(fd) != 0 || unlockpt(fd) != 0) {
        return -errno;
    }
    int r = ptsname_r(fd, name, sizeof(name));
    if (r != 0) {
        return -r;
    }
    if (spec->tty_is_owned && chown(name, spec->tty_uid, spec->tty_gid) != 0) {
        return -errno;
    }
    ends[IN] = ends[OUT] = ends[ERR] = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    return ends[IN] < 0 ? -errno : set_nonblocking(fd);
}

int agent_consoles_prepare(struct agent_consoles *consoles, struct container_request *request,
                           struct err *err)
{
    struct agent_console *console = xalloc(sizeof(*console));
    struct console_ends *ends = xalloc(sizeof(*ends));
    console->consoles = consoles;
    console->path = xstrdup(request->path);
    list_push_back(&consoles->list, &console->link);
    for (int i = IN; i <= ERR; i++) {
        console->fds[i] = ends->stdio.fds[i] = -1;
    }
    ends->stdio.free = free_ends;
    int r = request->spec->tty ? open_terminal(console, request->spec, ends->stdio.fds)
                               : open_pipes(console, ends->stdio.fds);
    if (r != 0) {
        err_set(err, r, "cannot make its input and output: %s", strerror(-r));
        free_ends(&ends->stdio);
        console_free(console);
        return r;
    }
    request->spec->stdio = &ends->stdio;
    return 0;
}

/* --- output --- */

/* One piece; false at the end, or if there is nothing more now. */
static bool read_piece(struct agent_console *console, int which, size_t *ret_size)
{
    char bytes[READ_SIZE];
    ssize_t size = read(console->fds[which], bytes, sizeof(bytes));
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
        return false;
    }
    if (size <= 0) { /* a terminal that nobody holds any more: EIO */
        close_end(console, which);
        return false;
    }
    *ret_size = (size_t)size;
    struct agent_output output = {
        .path = console->path, .is_error = which == ERR, .bytes = slice_make(bytes, (size_t)size)};
    console->consoles->on_event(console->consoles->arg,
                                &(struct agent_event){.type = AGENT_OUTPUT, .output = &output});
    return true;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    struct agent_console *console = arg;
    size_t size;
    (void)read_piece(console, fd == console->fds[ERR] ? ERR : OUT, &size);
}

static void begin_reading(struct agent_console *console)
{
    for (int i = OUT; i <= ERR; i++) {
        if (console->fds[i] >= 0 && console->events[i] == NULL) {
            console->events[i] = event_new(console->consoles->base, console->fds[i],
                                           EV_READ | EV_PERSIST, on_readable, console);
            ASSERT(console->events[i] != NULL);
            (void)event_add(console->events[i], NULL);
        }
    }
}

static void read_rest(struct agent_console *console)
{
    size_t total = 0;
    for (int i = OUT; i <= ERR; i++) {
        size_t size = 0;
        while (console->fds[i] >= 0 && total < REST_SIZE_MAX && read_piece(console, i, &size)) {
            total += size;
        }
    }
}

void agent_consoles_report(struct agent_consoles *consoles, const struct container_report *report)
{
    if (report->type != CONTAINER_LAUNCHED && report->type != CONTAINER_TERMINATED) {
        return;
    }
    struct agent_console *console = find(consoles, report->path);
    if (console == NULL) {
        return;
    }
    if (report->type == CONTAINER_LAUNCHED) {
        begin_reading(console);
    } else {
        read_rest(console);
        console_free(console);
    }
}

/* --- input --- */

static void write_input(struct agent_console *console);

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    write_input(arg);
}

static void write_input(struct agent_console *console)
{
    while (console->input.size > 0) {
        ssize_t size = write(console->fds[IN], console->input.data, console->input.size);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size < 0 && errno == EAGAIN) {
            break;
        }
        if (size < 0) { /* it does not want any more */
            buf_clear(&console->input);
            console->input_ends = true;
            break;
        }
        buf_consume(&console->input, (size_t)size);
    }
    if (console->input.size == 0) {
        resume(console);
        if (console->input_ends) {
            close_end(console, IN);
        } else if (console->events[IN] != NULL) {
            (void)event_del(console->events[IN]);
        }
        return;
    }
    if (console->events[IN] == NULL) {
        console->events[IN] = event_new(console->consoles->base, console->fds[IN],
                                        EV_WRITE | EV_PERSIST, on_writable, console);
        ASSERT(console->events[IN] != NULL);
    }
    (void)event_add(console->events[IN], NULL);
}

void agent_consoles_input(struct agent_consoles *consoles, const struct agent_ask *ask)
{
    struct agent_console *console = find(consoles, ask->text);
    if (console == NULL || console->fds[IN] < 0 || console->input_ends) {
        return;
    }
    struct slice bytes = blob_slice(ask->bytes);
    if (bytes.size > 0) {
        buf_append_slice(&console->input, bytes);
    } else if (console->is_tty) {
        char end = TTY_END;
        buf_append(&console->input, &end, 1);
    } else {
        console->input_ends = true;
    }
    write_input(console);
    if (console->input.size > AGENT_CONSOLE_INPUT_SIZE_MAX && console->paused_handle == 0) {
        console->paused_handle = ask->handle;
        consoles->pause(consoles->arg, ask->handle, true);
    }
}

void agent_consoles_window(struct agent_consoles *consoles, const struct agent_ask *ask)
{
    const struct agent_console *console = find(consoles, ask->text);
    if (console != NULL && console->is_tty && console->fds[OUT] >= 0) {
        struct winsize size = {.ws_row = ask->rows, .ws_col = ask->columns};
        (void)ioctl(console->fds[OUT], TIOCSWINSZ, &size);
    }
}
