#include "container/init/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define PIECE_SIZE 4096
/* The kernel keeps 64 KB of a terminal: what comes beyond that is of others, who do not end. */
#define DRAIN_READS_MAX 1000

int terminal_enter(const struct apply *apply, struct err *err)
{
    if (!apply->has_terminal) {
        return 0;
    }
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (dup2(apply->terminal_end, fd) < 0) {
            return err_errno(err, "Failed to use the pseudo terminal");
        }
    }
    if (apply->is_controlled && (setsid() < 0 || ioctl(STDIN_FILENO, TIOCSCTTY, 0) != 0)) {
        return err_errno(err, "Failed to set control tty");
    }
    return 0;
}

static void end(struct terminal *terminal)
{
    close(terminal->fd);
    terminal->fd = -1;
}

void terminal_init(struct terminal *terminal, const struct apply *apply, const sigset_t *signals)
{
    *terminal = (struct terminal){.fd = -1, .output = -1, .signals = -1};
    if (!apply->has_terminal) {
        return;
    }
    close(apply->terminal_end); /* it must end with the command */
    terminal->fd = apply->terminal;
    terminal->output = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
    terminal->signals = signalfd(-1, signals, SFD_CLOEXEC);
    if (terminal->output < 0 || terminal->signals < 0 ||
        fcntl(terminal->fd, F_SETFL, O_NONBLOCK) != 0) {
        end(terminal); /* hangs up: better than a command that nobody attends to */
    }
}

/* Reads once. False at the end: nobody has the other side open, and none of ours will. */
static bool pass_on(struct terminal *terminal)
{
    char piece[PIECE_SIZE];
    ssize_t size = read(terminal->fd, piece, sizeof(piece));
    if (size <= 0) {
        return size < 0 && (errno == EAGAIN || errno == EINTR);
    }
    for (ssize_t at = 0; at < size;) {
        ssize_t n = write(terminal->output, piece + at, (size_t)(size - at));
        if (n <= 0) {
            break; /* a full disk: the command goes on without */
        }
        at += n;
    }
    return true;
}

int terminal_wait(struct terminal *terminal, const sigset_t *signals)
{
    while (terminal->fd >= 0) {
        struct pollfd fds[] = {{.fd = terminal->signals, .events = POLLIN},
                               {.fd = terminal->fd, .events = POLLIN}};
        if (poll(fds, ELEMENTS(fds), -1) < 0) {
            continue;
        }
        struct signalfd_siginfo info;
        if (fds[0].revents != 0 && read(terminal->signals, &info, sizeof(info)) == sizeof(info)) {
            return (int)info.ssi_signo;
        }
        if (fds[1].revents != 0 && !pass_on(terminal)) {
            end(terminal);
        }
    }
    return sigwaitinfo(signals, NULL);
}

void terminal_drain(struct terminal *terminal)
{
    struct pollfd fd = {.fd = terminal->fd, .events = POLLIN};
    for (int i = 0; i < DRAIN_READS_MAX && terminal->fd >= 0 && poll(&fd, 1, 0) > 0; i++) {
        if (!pass_on(terminal)) {
            end(terminal);
        }
    }
}
