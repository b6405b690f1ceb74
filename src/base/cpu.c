/* cpu.c: how many threads this process may use well: its affinity mask, cut down by a cgroup's CPU quota (v2, v1). */
#include <sched.h>
#include <stdio.h>

#include "base/os.h"

/* The one or (b given) two numbers of a file, as "200000 100000"; false when it is absent or says "max". */
static bool read_pair(const char *path, long long *a, long long *b) {
    FILE *f = fopen(path, "r");
    if (!f) return false;
    int n = b ? fscanf(f, "%lld %lld", a, b) : fscanf(f, "%lld", a);
    fclose(f);
    return n == (b ? 2 : 1);
}

static bool cgroup_quota(long long *quota, long long *period) {
    if (read_pair("/sys/fs/cgroup/cpu.max", quota, period)) return true;
    return read_pair("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", quota, NULL) &&
           read_pair("/sys/fs/cgroup/cpu/cpu.cfs_period_us", period, NULL);
}

int goss__cpu_count(void) {
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    long long quota = 0, period = 100000;
    if (cgroup_quota(&quota, &period) && quota > 0 && period > 0) {
        int allowed = (int)((quota + period - 1) / period);
        if (allowed < n) n = allowed;
    }
    return n < 1 ? 1 : n;
}
