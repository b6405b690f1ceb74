/* SPDX-License-Identifier: Apache-2.0 */
/* space_check.h: texts of spaces of every kind of layer, and their targets and spaces. */
#ifndef GOSS_TESTS_SPACE_CHECK_H
#define GOSS_TESTS_SPACE_CHECK_H

#include "gossamer/space.h"
#include "test.h"

static goss_error err;

static const int64_t image[] = {16, 16, 2}, row[] = {12}, steps[] = {10, 3};
static const int64_t *const inputs[] = {NULL, row, steps, image};

static const struct {
    const char *text;
    int rank; /* of the input */
} spaces[] = {
    {"conv 4..8 3 pad 1; norm group 2; relu; flatten; dense 3..6; gelu; head", 3},
    {"conv 4..12/4 1|3|5 pad same; norm batch; relu|gelu; pool max|avg 2; pool global; head", 3},
    {"conv 4..8 3 pad 1; relu; residual { conv 3..6 3 pad 1; norm group 3; relu; conv 4..8 3 pad 1 }; relu; "
     "optional { conv 4..8 3 pad 1; norm layer; silu }; pool global; head",
     3},
    {"conv 2..6 3 pad 1 nested; repeat 1..3 { conv 2..6 3|5x3 pad same nested; norm instance; relu }; flatten; head",
     3},
    {"conv 6 3 pad 1; relu; conv|separable 4..8/2 3|5 pad same; norm group 2; relu; conv 4..8/2 3 pad same optional; "
     "tanh; pool global; head",
     3},
    {"resnet 4..8 group 2", 3},
    {"conv4 4..8 group 2", 3},
    {"columns any 2; dense 4..9; relu|tanh; optional { dense 4..9; norm layer; relu }; head", 1},
    {"columns any; norm layer; dense 3..9/2 nested; norm batch; leaky; dense 3..9/2 nested optional; mlp 4..8 3..6", 1},
    {"choose { conv 4..8 3 pad 1 } or { conv 4..8 1; relu; conv 4..8 3 pad 1 } or { conv 4..8 5 pad same }; flatten; "
     "norm group 4; head",
     3},
    {"shifts 1; conv 2..4 3 pad 1 stride 2; relu; pool global; dense 2..4; elu; head", 3},
    {"conv 4..8 3 pad 1; depthwise 3|5 pad same stride 2; norm group 2; relu; flatten; head", 3},
    {"conv 4 3 pad 1; optional { conv 4 3 pad 1; optional { norm batch } }; norm layer; residual { optional { conv 4 1 "
     "} }; norm group 2; pool global; head",
     3},
    {"conv 4..8 3 pad 1; residual { choose { conv 4..8 1|3 pad same; norm batch } or { } } shortcut { conv 4..8 1 }; "
     "pool max 2; flatten; head",
     3},
    {"conv 3..7 3 pad 1; norm layer; relu; optional { residual { conv 6 3 pad 1; relu; conv 3..7 3 pad 1 }; repeat "
     "1..2 { relu } }; flatten; head",
     3},
    {"conv1d 4..8 3 pad 1; norm group 2; relu; optional { conv1d 4..8 1|3|5 pad same; norm layer; gelu }; pool1d max "
     "2; dense "
     "3..6/3; readout attention; head",
     2},
    {"gru 3..6 start; tanh; readout mean; dense 4; head", 2},
    {"conv1d 2..4 3 pad 1; lstm 2..6/2 bidirectional; norm group 2; tanh; rnn 2..5 nested; optional { dense 2..5 "
     "nested }; "
     "readout last; head",
     2},
    {"rnn 3..6 norm; gru 2..5 norm bidirectional start nested; lstm 3..5 norm; readout last; head", 2},
    {"dense 8; residual { norm layer; attention 1..4 rotary }; attention 2..6/2 width 3 nested causal; readout mean; "
     "head",
     2},
    {"transformer 6 1..3; optional { attention 1..2 width 4 }; gru 3..4; readout attention; head", 2},
    {"optional { dense 3 }; gru 5; dense 3..6; relu|tanh; readout mean; optional { residual { dense 3..6 } }; head", 2},
};
enum { SPACES = sizeof spaces / sizeof *spaces };

static goss_target *parse(const char *text, int rank, int64_t outputs) {
    goss_target *t = NULL;
    T_NOTE("%s", text);
    T_OK(goss_target_parse(text, inputs[rank], rank, outputs, &t, &err));
    return t;
}

static goss_space *space_of(const goss_target *t) {
    goss_space *s = NULL;
    T_OK(goss_space_create(t, &s, &err));
    return s;
}

#endif /* GOSS_TESTS_SPACE_CHECK_H */
