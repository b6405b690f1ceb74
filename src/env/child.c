/* SPDX-License-Identifier: Apache-2.0 */
/* child.c: processes that answer over pipes. Requests and answers flow at the same time (poll), so that neither side
 * waits for the other with full pipes. A process has a group of its own: a Ctrl-C that is meant for this program does
 * not reach it, and it is ended together with the processes that it started. */
#include "env/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/os.h"
#include "base/text.h"

enum { MOST_CHILDREN = 256, PIECE = 1 << 16, MOST_UNREAD = 1 << 28 };

extern char **environ;

/* ---- all that there are ---- */

/* For a handler of signals, which may only read and kill. One for which there is no place is not killed: it sees the
 * end of its input. */
static _Atomic pid_t groups[4 * MOST_CHILDREN];

static void change_group(pid_t from, pid_t to) {
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        pid_t there = from;
        if (atomic_compare_exchange_strong(&groups[i], &there, to)) return;
    }
}

void goss__children_kill(void) {
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        const pid_t group = atomic_load(&groups[i]);
        if (group > 0) kill(-group, SIGKILL);
    }
}

/* ---- beginning ---- */

static goss_status no_process(const char *what, int number, goss_error *err) {
    return goss_error_set(err, GOSS_E_IO, "%s can not be started: %s", what, strerror(number));
}

/* Signals as a program expects them, whatever this one does with its own. */
static int set_signals(posix_spawnattr_t *a) {
    sigset_t none, usual;
    sigemptyset(&none), sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE), sigaddset(&usual, SIGINT), sigaddset(&usual, SIGTERM), sigaddset(&usual, SIGHUP);
    int e = posix_spawnattr_setsigmask(a, &none);
    if (!e) e = posix_spawnattr_setsigdefault(a, &usual);
    if (!e) e = posix_spawnattr_setpgroup(a, 0);
    if (!e) e = posix_spawnattr_setflags(a, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    return e;
}

static int spawn(pid_t *pid, const char *const *argv, int in, int out) {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    int e = posix_spawn_file_actions_init(&files);
    if (e) return e;
    e = posix_spawnattr_init(&attributes);
    if (e) {
        posix_spawn_file_actions_destroy(&files);
        return e;
    }
    e = set_signals(&attributes);
    if (!e) e = posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
    if (!e) e = posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    if (!e) e = posix_spawnp(pid, argv[0], &files, &attributes, (char *const *)argv, environ);
    posix_spawnattr_destroy(&attributes), posix_spawn_file_actions_destroy(&files);
    return e;
}

/* Both ends are closed in programs that are started later. Ends 0, 1 and 2 would be taken for standard streams. */
static int make_pipe(int ends[2]) {
    if (pipe2(ends, O_CLOEXEC) != 0) return errno;
    for (int i = 0; i < 2; i++) {
        const int high = fcntl(ends[i], F_DUPFD_CLOEXEC, 3), e = errno;
        close(ends[i]);
        ends[i] = high;
        if (high < 0) {
            close(ends[1 - i]);
            return e;
        }
    }
    return 0;
}

goss_status goss__child_start(goss__child *c, const char *const *argv, goss_error *err) {
    int to[2], from[2];
    *c = (goss__child){.to = -1, .from = -1};
    int e = make_pipe(to);
    if (e) return no_process(argv[0], e, err);
    e = make_pipe(from);
    if (!e) {
        e = spawn(&c->pid, argv, to[0], from[1]);
        close(from[1]);
        if (e) close(from[0]);
    }
    close(to[0]);
    if (e) {
        close(to[1]);
        c->pid = 0;
        return no_process(argv[0], e, err);
    }
    change_group(0, c->pid);
    c->to = to[1], c->from = from[0];
    fcntl(c->to, F_SETFL, O_NONBLOCK), fcntl(c->from, F_SETFL, O_NONBLOCK);
    return GOSS_OK;
}

/* ---- ending ---- */

/* Whether it has ended, without collecting its status. */
static bool has_ended(pid_t pid) {
    siginfo_t info = {0};
    while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT | WNOHANG) != 0)
        if (errno != EINTR) return true;
    return info.si_pid == pid;
}

static bool ends_within(pid_t pid, double seconds) {
    const double until = goss__now() + seconds;
    while (!has_ended(pid)) {
        if (goss__now() >= until) return false;
        nanosleep(&(struct timespec){0, 2000000}, NULL);
    }
    return true;
}

/* Kills what it left behind, too: until its status is collected its group is no other's. */
static int collect(pid_t pid) {
    int status = 0;
    kill(-pid, SIGKILL);
    change_group(pid, 0);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) return 0;
    return status;
}

void goss__child_stop(goss__child *c, double patience) {
    if (c->to >= 0) close(c->to);
    if (c->from >= 0) close(c->from);
    if (c->pid > 0) {
        if (!ends_within(c->pid, patience)) {
            kill(-c->pid, SIGTERM);
            ends_within(c->pid, 0.5);
        }
        collect(c->pid);
    }
    goss__str_free(&c->out), goss__free(c->in);
    *c = (goss__child){.to = -1, .from = -1};
}

/* How it ended, as it has. */
static goss_status report_end(goss__child *c, goss_error *err) {
    const int status = collect(c->pid);
    c->pid = 0;
    if (WIFSIGNALED(status))
        return goss_error_set(err, GOSS_E_IO, "the process was ended by signal %d (%s)", WTERMSIG(status),
                              strsignal(WTERMSIG(status)));
    if (WEXITSTATUS(status) == 127)
        return goss_error_set(err, GOSS_E_IO, "the process ended with status 127: is its program there?");
    if (WEXITSTATUS(status) == 126)
        return goss_error_set(err, GOSS_E_IO, "the process ended with status 126: is its program executable?");
    return goss_error_set(err, GOSS_E_IO, "the process ended with status %d", WEXITSTATUS(status));
}

static goss_status report_closed(goss__child *c, goss_error *err) {
    if (ends_within(c->pid, 1)) return report_end(c, err);
    return goss_error_set(err, GOSS_E_IO, "the process closed its output");
}

/* One that ended is seen only here if a program that it started has its output open. */
static goss_status report_silence(goss__child *c, double timeout, goss_error *err) {
    if (has_ended(c->pid)) return report_end(c, err);
    return goss_error_set(err, GOSS_E_IO, "the process has not answered for %g seconds (are its answers flushed?)",
                          timeout);
}

/* ---- reading and writing ---- */

/* A write to a process that has ended is an error here, never a signal to this program. */
static ssize_t write_quietly(int to, const char *data, size_t size) {
    sigset_t pipe_signal, before, pending;
    sigemptyset(&pipe_signal), sigaddset(&pipe_signal, SIGPIPE);
    sigpending(&pending);
    const bool was_pending = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
    const ssize_t n = write(to, data, size);
    const int e = errno;
    if (n < 0 && e == EPIPE && !was_pending)
        while (sigtimedwait(&pipe_signal, NULL, &(struct timespec){0, 0}) < 0 && errno == EINTR) continue;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = e;
    return n;
}

static void send_some(goss__child *c) {
    const ssize_t n = write_quietly(c->to, c->out.data + c->sent, c->out.size - c->sent);
    if (n > 0) c->sent += (size_t)n;
    /* One that reads no more shows by its answers, or by their lack, what is wrong. */
    if (n < 0 && errno == EPIPE) c->sent = c->out.size;
}

static goss_status make_room(goss__child *c, goss_error *err) {
    if (c->at > 0) {
        memmove(c->in, c->in + c->at, c->got - c->at);
        c->searched = c->searched > c->at ? c->searched - c->at : 0;
        c->got -= c->at, c->at = 0;
    }
    if (c->capacity - c->got >= PIECE) return GOSS_OK;
    if (c->got > MOST_UNREAD) return goss_error_set(err, GOSS_E_FORMAT, "an answer that does not end");
    char *grown = goss__realloc(c->in, c->capacity * 2 + PIECE);
    if (!grown) return goss_error_set(err, GOSS_E_NOMEM, "no memory for the answers of a process");
    c->in = grown, c->capacity = c->capacity * 2 + PIECE;
    return GOSS_OK;
}

static goss_status hear(goss__child *c, goss_error *err) {
    GOSS_TRY(make_room(c, err));
    const ssize_t n = read(c->from, c->in + c->got, PIECE);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return GOSS_OK;
    if (n <= 0) return report_closed(c, err);
    c->got += (size_t)n;
    return GOSS_OK;
}

char *goss__child_line(goss__child *c) {
    const size_t from = c->searched > c->at ? c->searched : c->at;
    char *end = c->got > from ? memchr(c->in + from, '\n', c->got - from) : NULL;
    c->searched = end ? 0 : c->got;
    if (!end) return NULL;
    char *line = c->in + c->at;
    *end = 0;
    c->at = (size_t)(end + 1 - c->in);
    return line;
}

const void *goss__child_bytes(goss__child *c, size_t n) {
    if (c->got - c->at < n) return NULL;
    c->at += n;
    return c->in + c->at - n;
}

/* ---- a talk ---- */

static goss_status read_some(goss__child *c, int i, goss__child_reader *read, void *context, goss_error *err) {
    GOSS_TRY(hear(c, err));
    const size_t before = c->at;
    GOSS_TRY(read(context, c, i, err));
    if (c->at != before) c->answered = goss__now();
    if (c->done && c->at < c->got) {
        const char *rest = c->in + c->at;
        const size_t there = c->got - c->at < 60 ? c->got - c->at : 60;
        const char *end = memchr(rest, '\n', there);
        char copy[61], said[100];
        snprintf(copy, sizeof copy, "%.*s", (int)(end ? (size_t)(end - rest) : there), rest);
        goss__text_line(copy, said, sizeof said);
        return goss_error_set(err, GOSS_E_FORMAT, "it says more than it was asked: \"%s\"", said);
    }
    return GOSS_OK;
}

/* Waits for what may come next; returns the number of those that are not done. */
static int wait_for(goss__child *c, int n, double timeout, struct pollfd *fd, int *late) {
    const double now = goss__now();
    double left = timeout;
    int open = 0;
    *late = -1;
    for (int i = 0; i < n; i++) {
        const bool sending = c[i].sent < c[i].out.size;
        fd[2 * i] = (struct pollfd){.fd = c[i].done ? -1 : c[i].from, .events = POLLIN};
        fd[2 * i + 1] = (struct pollfd){.fd = c[i].done || !sending ? -1 : c[i].to, .events = POLLOUT};
        if (c[i].done) continue;
        open++;
        if (c[i].answered + timeout - now < left) left = c[i].answered + timeout - now;
        if (left <= 0 && *late < 0) *late = i;
    }
    if (open && *late < 0) poll(fd, (nfds_t)(2 * n), (int)(left * 1000) + 1);
    return open;
}

goss_status goss__children_talk(goss__child *c, int n, double timeout, goss__child_reader *read, void *context,
                                int *bad, goss_error *err) {
    struct pollfd fd[2 * MOST_CHILDREN];
    int late;
    for (int i = 0; i < n; i++) {
        c[i].sent = 0, c[i].answered = goss__now(), c[i].done = c[i].out.size == 0;
        *bad = i;
        if (c[i].out.failed) return goss_error_set(err, GOSS_E_NOMEM, "no memory for requests to a process");
    }
    while (wait_for(c, n, timeout, fd, &late) > 0) {
        if (late >= 0) {
            *bad = late;
            return report_silence(&c[late], timeout, err);
        }
        for (int i = 0; i < n; i++) {
            *bad = i;
            if (fd[2 * i + 1].fd >= 0 && fd[2 * i + 1].revents) send_some(&c[i]);
            if (fd[2 * i].fd >= 0 && fd[2 * i].revents) GOSS_TRY(read_some(&c[i], i, read, context, err));
        }
    }
    for (int i = 0; i < n; i++) c[i].out.size = 0;
    *bad = -1;
    return GOSS_OK;
}
