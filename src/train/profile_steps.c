/* SPDX-License-Identifier: Apache-2.0 */
/* profile_steps.c: some steps of a training, timed by operation: run.dir/profile.txt and profile.json. */
#include <string.h>

#include "base/log.h"
#include "base/os.h"
#include "train/run.h"

enum { WARM = 10 }; /* steps of this process before: memory touched, data in the cache */

static goss_status keep_text(const goss__run *r, const char *name, char *text, goss_error *err) {
    char path[4200];
    if (!text) return goss_error_set(err, GOSS_E_NOMEM, "no memory for %s", name);
    goss_status s = goss__run_path(r, name, path, err);
    if (s == GOSS_OK) s = goss__write_file(path, text, strlen(text), err);
    goss_text_free(text);
    return s;
}

static goss_status finish(const goss__run *r, goss_error *err) {
    goss_machine machine;
    GOSS_TRY(goss_machine_measure(r->threads, &machine, err));
    GOSS_TRY(keep_text(r, "profile.txt", goss_profile_text(goss_step_exec(r->step), &machine), err));
    GOSS_TRY(keep_text(r, "profile.json", goss_profile_trace(goss_step_exec(r->step)), err));
    goss_profile_end(goss_step_exec(r->step));
    goss__log(GOSS_LOG_INFO, "profile: %s/profile.txt (by operation and phase), profile.json (for a trace viewer)",
              r->dir);
    return GOSS_OK;
}

goss_status goss__run_profile(const goss__run *r, int64_t steps_done, bool last, int steps, goss_error *err) {
    if (steps <= 0) return GOSS_OK;
    if (steps_done == WARM + steps) return finish(r, err);
    if (last && steps_done < WARM + steps)
        goss__log(GOSS_LOG_WARN, "profile: none written: it wants %d steps, %lld were done", WARM + steps,
                  (long long)steps_done);
    return steps_done == WARM && !last ? goss_profile_begin(goss_step_exec(r->step), err) : GOSS_OK;
}
