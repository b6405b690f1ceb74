/* SPDX-License-Identifier: Apache-2.0 */
/* cpu.c: the number of processors available to this process: its affinity mask, limited by the CPU quotas of its cgroup
 * and of the groups above it (v2: cpu.max; v1: cpu.cfs_quota_us). In a container the path of the group is often not
 * mounted and its files are at the root; the walk upwards ends there, so that one loop handles both cases. */
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/os.h"

/* The one or (b given) two numbers of dir/name, as "200000 100000"; false when it is absent or says "max". */
static bool read_numbers(const char *dir, const char *name, long long *a, long long *b) {
    char path[1200];
    if ((size_t)snprintf(path, sizeof path, "%s/%s", dir, name) >= sizeof path) return false;
    FILE *f = fopen(path, "re");
    if (!f) return false;
    int n = b ? fscanf(f, "%lld %lld", a, b) : fscanf(f, "%lld", a);
    fclose(f);
    return n == (b ? 2 : 1);
}

static int group_limit(const char *dir, int n) {
    long long quota, period;
    bool found =
        read_numbers(dir, "cpu.max", &quota, &period) ||
        (read_numbers(dir, "cpu.cfs_quota_us", &quota, NULL) && read_numbers(dir, "cpu.cfs_period_us", &period, NULL));
    if (!found || quota <= 0 || period <= 0) return n;
    long long allowed = quota / period + (quota % period != 0);
    return allowed < n ? (int)allowed : n;
}

/* The smallest limit from root/group up to root. */
static int walk_up(const char *root, const char *group, int n) {
    char dir[1100];
    size_t top = strlen(root);
    if ((size_t)snprintf(dir, sizeof dir, "%s%s", root, group) >= sizeof dir) return n;
    for (;;) {
        n = group_limit(dir, n);
        char *slash = strrchr(dir + top, '/');
        if (!slash) return n;
        *slash = 0;
    }
}

/* A line of /proc/self/cgroup is "id:controllers:/path"; v2 has no controllers. */
static int quota_limit(int n) {
    char line[1000];
    FILE *f = fopen("/proc/self/cgroup", "re");
    while (f && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = 0;
        char *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group) continue;
        *group++ = 0;
        if (!controllers[1]) n = walk_up("/sys/fs/cgroup", group, n);
        if (strstr(controllers, "cpu")) n = walk_up("/sys/fs/cgroup/cpu", group, n);
    }
    if (f) fclose(f);
    return group_limit("/sys/fs/cgroup/cpu", group_limit("/sys/fs/cgroup", n));
}

int goss__cpu_count(void) {
    cpu_set_t set;
    long online = sysconf(_SC_NPROCESSORS_ONLN); /* if the mask is too small: more than 1024 processors */
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : (int)online;
    n = quota_limit(n);
    return n < 1 ? 1 : n;
}
