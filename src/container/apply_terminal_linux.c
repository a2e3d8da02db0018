#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "container/apply_linux.h"

/* Opens the other end. -errno if it cannot be had. */
static int open_end(int terminal)
{
    char name[64];
    if (grantpt(terminal) != 0 || unlockpt(terminal) != 0) {
        return -errno;
    }
    int error = ptsname_r(terminal, name, sizeof(name));
    if (error != 0) {
        return -error;
    }
    int end = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    return end >= 0 ? end : -errno;
}

int apply_terminal(struct apply *apply, const struct plan_step *step, struct err *err)
{
    const struct winsize size = {.ws_row = (unsigned short)step->number[0],
                                 .ws_col = (unsigned short)step->number[1]};
    int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal < 0) {
        return err_errno(err, "Failed to open a pseudo terminal");
    }
    int end = open_end(terminal);
    if (end < 0) {
        close(terminal);
        errno = -end;
        return err_errno(err, "Failed to open the end of a pseudo terminal");
    }
    if (ioctl(terminal, TIOCSWINSZ, &size) != 0 ||
        (apply->has_user && fchown(end, apply->uid, (gid_t)-1) != 0)) {
        int r = err_errno(err, "Failed to set up a pseudo terminal");
        close(terminal);
        close(end);
        return r;
    }
    apply->has_terminal = true;
    apply->is_controlled = step->number[2] != 0;
    apply->terminal = terminal;
    apply->terminal_end = end;
    return 0;
}
