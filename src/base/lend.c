/* SPDX-License-Identifier: Apache-2.0 */
#include "base/lend.h"

#include "base/os.h"

#if defined(__linux__)
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

_Static_assert(sizeof(cpu_set_t) <= sizeof((goss__borrower *)0)->places, "room for a cpu_set_t");

int goss__processor(void) { return sched_getcpu(); }

/* The second number of the file, in nanoseconds: time on the run queue. */
double goss__starved_seconds(void) {
    char text[96];
    const int f = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
    const ssize_t n = f < 0 ? 0 : read(f, text, sizeof text - 1);
    if (f >= 0) close(f);
    if (n <= 0) return -1;
    text[n] = 0;
    char *behind_first, *end;
    (void)strtoull(text, &behind_first, 10);
    const unsigned long long waited = strtoull(behind_first, &end, 10);
    return end == behind_first ? -1 : (double)waited * 1e-9;
}

void goss__go_to(int processor) {
    cpu_set_t own, there;
    if (processor < 0 || processor >= CPU_SETSIZE || sched_getaffinity(0, sizeof own, &own) != 0 ||
        !CPU_ISSET(processor, &own))
        return;
    CPU_ZERO(&there);
    CPU_SET(processor, &there);
    if (sched_setaffinity(0, sizeof there, &there) == 0) (void)sched_setaffinity(0, sizeof own, &own);
}

void goss__borrower_begin(goss__borrower *b) { atomic_store(&b->id, (int)syscall(SYS_gettid)); }

/* Saves the thread's own mask before the first change. */
static bool keep_places(goss__borrower *b, int id) {
    cpu_set_t own;
    if (atomic_load(&b->moved)) return true;
    if (sched_getaffinity(id, sizeof own, &own) != 0) return false;
    memcpy(b->places, &own, sizeof own);
    atomic_store(&b->moved, true); /* from here on the thread's mask may differ from its own */
    return true;
}

/* Its own processors except one, or all if there is no other. */
static void send_elsewhere(goss__borrower *b, int id, int cpu) {
    cpu_set_t others;
    memcpy(&others, b->places, sizeof others);
    if (cpu >= 0) CPU_CLR(cpu, &others);
    if (CPU_COUNT(&others) == 0) memcpy(&others, b->places, sizeof others);
    (void)sched_setaffinity(id, sizeof others, &others);
}

void goss__borrower_step_aside(goss__borrower *b) {
    if (keep_places(b, 0)) send_elsewhere(b, 0, sched_getcpu());
}

void goss__borrower_settle(goss__borrower *b) {
    if (!atomic_load(&b->moved)) return;
    cpu_set_t own;
    memcpy(&own, b->places, sizeof own);
    (void)sched_setaffinity(0, sizeof own, &own);
    atomic_store(&b->moved, false);
}

bool goss__borrower_starves(const goss__borrower *b) {
    clockid_t clock;
    struct timespec before, after;
    if (atomic_load(&b->id) == 0 || pthread_getcpuclockid(b->thread, &clock) != 0 || clock_gettime(clock, &before) != 0)
        return false;
    for (const double start = goss__now(); goss__now() - start < 5e-6;) continue;
    return clock_gettime(clock, &after) == 0 && before.tv_sec == after.tv_sec && before.tv_nsec == after.tv_nsec;
}

bool goss__lend(goss__borrower *b) {
    cpu_set_t here;
    const int cpu = sched_getcpu(), id = atomic_load(&b->id);
    if (cpu < 0 || id == 0 || !keep_places(b, id)) return false;
    CPU_ZERO(&here);
    CPU_SET(cpu, &here);
    return sched_setaffinity(id, sizeof here, &here) == 0;
}

void goss__lend_end(goss__borrower *b) { send_elsewhere(b, atomic_load(&b->id), sched_getcpu()); }
#else
int goss__processor(void) { return -1; }
double goss__starved_seconds(void) { return -1; }
void goss__go_to(int processor) { (void)processor; }
void goss__borrower_begin(goss__borrower *b) { (void)b; }
void goss__borrower_step_aside(goss__borrower *b) { (void)b; }
void goss__borrower_settle(goss__borrower *b) { (void)b; }
bool goss__borrower_starves(const goss__borrower *b) { return (void)b, false; }
bool goss__lend(goss__borrower *b) { return (void)b, false; }
void goss__lend_end(goss__borrower *b) { (void)b; }
#endif
