/* SPDX-License-Identifier: Apache-2.0 */
/* compare_workers.c: jobs in processes of their own: as many at a time as there are cores, none shares anything with
 * another, and one that crashes is one job that failed. A child is forked for each job from a process without threads;
 * what it has to say comes back through a pipe when it ends. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "base/alloc.h"
#include "base/log.h"
#include "base/stop.h"
#include "compare/compare.h"

enum { MOST = 1024, TOLD = 2000 };

/* The report of a child: smaller than a pipe's buffer, so that writing it never blocks. */
typedef struct told {
    int32_t status;
    char error[sizeof((goss_error *)0)->text], warnings[TOLD];
} told;

typedef struct worker {
    pid_t pid;
    int job, pipe;
    told told;
    size_t got;
} worker;

/* ---- in the child ---- */

static void keep_warning(void *context, goss_log_level level, const char *line) {
    told *t = context;
    const size_t n = strlen(t->warnings);
    if (strstr(t->warnings, line)) return; /* a search and the final training report the same */
    if (level == GOSS_LOG_WARN && n + strlen(line) + 2 < TOLD) snprintf(t->warnings + n, TOLD - n, "%s\n", line);
}

static void write_all(int to, const void *data, size_t size) {
    for (const char *at = data; size > 0;) {
        const ssize_t n = write(to, at, size);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return;
        at += n, size -= (size_t)n;
    }
}

_Noreturn static void be_child(const goss__work *w, int job, int to, pid_t parent) {
    told t = {0};
    goss_error err = {0};
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* a parent that is killed takes its children along */
#endif
    if (getppid() != parent) _exit(1);
    goss_log_set(keep_warning, &t);
    t.status = (int32_t)w->job(w->context, job, &err);
    if (t.status != GOSS_OK) snprintf(t.error, sizeof t.error, "%s", err.text);
    write_all(to, &t, sizeof t);
    _exit(0);
}

/* ---- in the parent ---- */

static goss_status begin(const goss__work *w, int job, worker *out, goss_error *err) {
    int ends[2];
    const pid_t self = getpid();
    if (pipe(ends) != 0) return goss_error_set(err, GOSS_E_IO, "a pipe to a job: %s", strerror(errno));
    const pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        be_child(w, job, ends[1], self);
    }
    close(ends[1]);
    if (pid > 0) {
        *out = (worker){.pid = pid, .job = job, .pipe = ends[0]};
        return GOSS_OK;
    }
    close(ends[0]);
    return goss_error_set(err, GOSS_E_IO, "a process for a job: %s", strerror(errno));
}

static void end(const goss__work *w, worker *one) {
    int status = 0;
    char text[120];
    close(one->pipe);
    while (waitpid(one->pid, &status, 0) < 0 && errno == EINTR) continue;
    if (one->got == sizeof one->told) {
        w->ended(w->context, one->job, (goss_status)one->told.status, one->told.error, one->told.warnings);
        return;
    }
    if (WIFSIGNALED(status))
        snprintf(text, sizeof text, "its process was ended by signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else
        snprintf(text, sizeof text, "its process ended without a result");
    w->ended(w->context, one->job, WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM ? GOSS_E_INTERRUPTED : GOSS_E_IO,
             text, "");
}

/* Reads what has come; false: that was the end. */
static bool listen_to(worker *one) {
    char *to = (char *)&one->told;
    const size_t left = sizeof one->told - one->got;
    const ssize_t n = read(one->pipe, to + one->got, left);
    if (n > 0) one->got += (size_t)n;
    return (n > 0 && one->got < sizeof one->told) || (n < 0 && errno == EINTR);
}

static void ask_all_to_end(worker *all, int n) {
    for (int i = 0; i < n; i++) kill(all[i].pid, SIGTERM);
}

/* Waits until something came or somebody ended, or a quarter of a second for the stop. */
static void wait_for(const goss__work *w, worker *all, struct pollfd *fd, int *n) {
    for (int i = 0; i < *n; i++) fd[i] = (struct pollfd){.fd = all[i].pipe, .events = POLLIN};
    if (poll(fd, (nfds_t)*n, 250) <= 0) return;
    for (int i = *n - 1; i >= 0; i--) {
        if (fd[i].revents == 0 || listen_to(&all[i])) continue;
        end(w, &all[i]);
        all[i] = all[--*n];
        fd[i] = fd[*n];
    }
}

static goss_status run(const goss__work *w, worker *all, struct pollfd *fd, int most, goss_error *err) {
    int n = 0, next = 0;
    bool stopping = false;
    goss_status s = GOSS_OK;
    fflush(NULL); /* what is buffered would be written by each child */
    while (n > 0 || (next < w->n && !stopping)) {
        while (s == GOSS_OK && !stopping && n < most && next < w->n) {
            s = begin(w, next, &all[n], err);
            if (s == GOSS_OK) n++, next++;
        }
        if (!stopping && (s != GOSS_OK || goss__stop_asked(w->stop))) {
            stopping = true;
            ask_all_to_end(all, n);
        }
        if (n > 0) wait_for(w, all, fd, &n);
    }
    if (s == GOSS_OK && goss__stop_asked(w->stop))
        s = goss_error_set(err, GOSS_E_INTERRUPTED, "stopped; the same command goes on");
    return s;
}

goss_status goss__work_run(const goss__work *w, goss_error *err) {
    const int most = w->most < MOST ? w->most : MOST;
    worker *all = goss__calloc((size_t)most, sizeof *all);
    struct pollfd *fd = goss__calloc((size_t)most, sizeof *fd);
    goss_status s = all && fd ? run(w, all, fd, most, err) : goss_error_set(err, GOSS_E_NOMEM, "no memory for jobs");
    goss__free(all), goss__free(fd);
    return s;
}
