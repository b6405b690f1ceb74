/* SPDX-License-Identifier: Apache-2.0 */
/* search_keys.c: the keys of [search], beside those of a training run. */
#include <assert.h>
#include <pthread.h>
#include <string.h>

#include "io/key_row.h"
#include "search/search.h"

#define GOSS__SETTINGS goss__search_settings

static const goss_key own[] = {
    GOSS__KEY_INT("search.steps", steps, "2000", 1, 1e9, "steps",
                  "Training steps of a hypernetwork that generates weights for the structures of the space"),
    GOSS__KEY_INT("search.architectures", architectures, "4", 1, 1024, "structures",
                  "Random structures in each of its steps, each with a batch of its own"),
    GOSS__KEY_REAL("search.rate", rate, "0", 0, 1e6, NULL, "Its learning rate; 0: optimizer.rate"),
    GOSS__KEY_INT("search.samples", samples, "1000", 0, 1e9, "samples",
                  "Validation samples that a structure with generated weights is scored on; 0: all"),
    GOSS__KEY_INT("search.rounds", rounds, "4", 0, 64, "rounds", "ghn: rounds of messages along the graph"),
    GOSS__KEY_REAL("search.eta", eta, "3", 1.5, 100, NULL, "halving: the best 1 / eta go on"),
    GOSS__KEY_INT("search.rungs", rungs, "3", 1, 10, "rungs",
                  "halving: trainings of train.steps / eta^(rungs - 1), ..., train.steps / eta, train.steps steps"),
    GOSS__KEY_INT("search.start_networks", start_networks, "5", 1, 10000, "networks",
                  "--starts: networks that are trained from generated weights and from ordinary ones"),
};
enum { OWN = sizeof own / sizeof *own, MOST = 500 };

static goss_key all[MOST];
static int n_all;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void join(void) {
    int n;
    const goss_key *run = goss_train_keys(&n);
    memcpy(all, own, sizeof own);
    assert(n + OWN <= MOST);
    memcpy(all + OWN, run, (size_t)n * sizeof *all);
    n_all = OWN + n;
}

const goss_key *goss_search_keys(int *n) {
    pthread_once(&once, join);
    *n = n_all;
    return all;
}

const goss_key *goss__search_own_keys(int *n) {
    *n = OWN;
    return own;
}
