/* SPDX-License-Identifier: Apache-2.0 */
/* Networks that read sequences in pieces: after each piece what the whole so far gives; which networks cannot. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "gossamer/model.h"
#include "test.h"

enum { STEPS = 24, WIDTH = 3, SUPPORTS = 4 };

static goss_error err;

static void draw(const goss_task_source *source, uint64_t k, goss_task *t) {
    goss__rng r = goss__rng_make(1, k);
    t->supports = SUPPORTS, t->queries = 0, t->id = -1;
    for (int i = 0; i < SUPPORTS * STEPS * WIDTH; i++) t->support[i] = (float)goss__rng_normal(&r);
    for (int i = 0; i < SUPPORTS; i++)
        t->support_target[i] = goss_task_objective(&source->spec)->classes ? (float)(i % 2) : (float)i,
        t->support_length[i] = 3 + i;
}

/* A network with weights that are not those of a start. */
static goss_network *network_of(const char *backbone, const char *objective) {
    static const float mean = 2, deviation = 3;
    goss_task_source source = {.spec = {.input_rank = 2,
                                        .input = {STEPS, WIDTH},
                                        .lengths = true,
                                        .shared_classes = true,
                                        .supports = SUPPORTS},
                               .draw = draw};
    T_OK(goss_objective_find(objective, &source.spec.objective, &err));
    source.spec.outputs = source.spec.objective->classes ? 2 : 1;
    if (!source.spec.objective->classes) source.spec.scale = (goss_target_scale){&mean, &deviation};
    goss_data_spec data = goss_data_spec_tasks("sequences", &source.spec);
    int n;
    goss_config *c;
    goss_model *m;
    goss_network *net;
    const goss_key *keys = goss_model_keys(&n);
    T_OK(goss_config_new(keys, n, &c, &err));
    T_OK(goss_config_set(c, "model.backbone", backbone, &err));
    if (goss_model_create("joint", c, &data, 3, &m, &err) != GOSS_OK) T_FAIL("%s: %s", backbone, err.text);
    goss_config_free(c);
    for (int i = 0; i < goss_method_params(goss_model_method(m)); i++) {
        goss__rng r = goss__rng_make(9, (uint64_t)i);
        const goss_method_param p = goss_method_param_at(goss_model_method(m), i);
        for (int64_t k = 0; k < goss_layout_total(p.layout); k++)
            goss_model_values(m, i)[k] += 0.2f * (float)(p.trained ? goss__rng_normal(&r) : goss__rng_uniform(&r));
    }
    T_OK(goss_model_adapt_task(m, &source, 0, NULL, NULL, &net, &err));
    goss_model_free(m);
    return net;
}

static const struct {
    const char *backbone;
    bool bits; /* the answers are those of one piece bit by bit */
} networks[] = {{"rnn 5; readout last", true},
                {"gru 5; readout last", true},
                {"lstm 5 start; gru 3 start; readout max", false},
                {"dense 4; tanh; lstm 5 norm; gru 4; readout last", true},
                {"hyperlstm 5 3 2 norm; norm layer; readout last", true},
                {"hyperdense 5 3 2; hyperrnn 4 3 1; readout last", true},
                {"hyperdense 5 3 2 position; tanh; hypergru 4 3 2 position norm; readout last", true},
                {"hyperlstm 4 5 1 position; readout max", false},
                {"norm batch; gru 4; readout max; dense 3; relu", true},
                {"residual { gru 3 }; readout mean", false},
                {"lstm 5; dense 4; relu; readout mean", false}};

/* Pieces of 1, 2, 3 ... steps against all steps so far at once. */
TEST(pieces_give_what_the_whole_gives) {
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++)
        for (int numbers = 0; numbers < 2; numbers++) {
            goss_network *net = network_of(networks[i].backbone, numbers ? "regression" : "classification");
            goss_stream *s;
            float x[STEPS * WIDTH], out[2], want[2];
            goss__rng r = goss__rng_make(4, i);
            for (int k = 0; k < STEPS * WIDTH; k++) x[k] = (float)goss__rng_normal(&r);
            if (goss_stream_open(net, 7, NULL, &s, &err) != GOSS_OK) T_FAIL("%s: %s", networks[i].backbone, err.text);
            for (int again = 0; again < 2; again++, goss_stream_reset(s)) {
                T_EQ(goss_stream_steps(s), 0);
                for (int at = 0, piece = 1; at < STEPS; at += piece, piece = piece % 7 + 1) {
                    if (piece > STEPS - at) piece = STEPS - at;
                    const uint64_t before = goss__alloc_count();
                    T_OK(goss_stream_read(s, x + at * WIDTH, piece, out, &err));
                    T_EQ(goss__alloc_count(), before);
                    const int32_t length = at + piece;
                    T_EQ(goss_stream_steps(s), length);
                    T_OK(goss_network_predict_ragged(net, x, &length, 1, want, NULL, NULL, &err));
                    const size_t n = (size_t)goss_network_outputs(net);
                    if (networks[i].bits && memcmp(out, want, n * sizeof *out) != 0)
                        T_FAIL("%s: after %d steps %.9g, the whole gives %.9g", networks[i].backbone, length, out[0],
                               want[0]);
                    for (size_t k = 0; k < n; k++) T_NEAR(out[k], want[k], 2e-6 * (1 + fabs(want[k])));
                }
            }
            goss_stream_free(s), goss_network_free(net);
        }
}

/* What follows does depend on what came before. */
TEST(a_stream_remembers) {
    goss_network *net = network_of("gru 5; readout last", "classification");
    goss_stream *s;
    float x[2 * WIDTH] = {1, -2, 3, 0.5f, 1, -1}, first[2], second[2], alone[2];
    T_OK(goss_stream_open(net, 1, NULL, &s, &err));
    T_OK(goss_stream_read(s, x, 1, first, &err));
    T_OK(goss_stream_read(s, x + WIDTH, 1, second, &err));
    goss_stream_reset(s);
    T_OK(goss_stream_read(s, x + WIDTH, 1, alone, &err));
    T_CHECK(second[0] != alone[0]);
    /* An answer that is no number leaves the states as they are. */
    goss_stream_reset(s);
    T_OK(goss_stream_read(s, x, 1, first, &err));
    T_ERR(goss_stream_read(s, (float[]){NAN, 0, 0}, 1, alone, &err), GOSS_E_NUMERIC, "the answer after step 2");
    T_OK(goss_stream_read(s, x + WIDTH, 1, alone, &err));
    T_CHECK(memcmp(second, alone, sizeof alone) == 0 && goss_stream_steps(s) == 2);
    T_ERR(goss_stream_read(s, x, 2, alone, &err), GOSS_E_ARGUMENT, "a piece of 2 steps; 1 to 1 were planned");
    T_ERR(goss_stream_read(s, x, 0, alone, &err), GOSS_E_ARGUMENT, "a piece of 0 steps");
    goss_stream_free(s);
    T_ERR(goss_stream_open(net, 0, NULL, &s, &err), GOSS_E_ARGUMENT, "pieces of up to 0 steps");
    goss_network_free(net);
}

TEST(layers_that_need_the_whole_are_named) {
    static const char *const cases[][2] = {
        {"gru 4 bidirectional; readout mean", "stream: gru1 must see the whole sequence: its backward direction"},
        {"conv1d 4 3; readout mean", "conv1d1 must see the whole sequence: its windows"},
        {"pool1d max 2; readout mean", "pool1d must see the whole sequence"},
        {"attention 1; readout mean", "attention1 must see the whole sequence: a step sees all others"},
        {"positions learned; gru 4; readout mean", "positions1 must see the whole sequence"},
        {"norm instance; gru 4; readout mean", "norm1 must see the whole sequence: its statistics"},
        {"hyperrnn 4 3 1 position bidirectional; readout mean",
         "hyperrnn1 must see the whole sequence: its backward direction"},
        {"gru 4; readout attention", "readout1 must see the whole sequence"},
        {"gru 4; flatten", "flatten must see the whole sequence"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        goss_network *net = network_of(cases[i][0], "classification");
        goss_stream *s;
        T_EQ(goss_stream_open(net, 4, NULL, &s, &err), GOSS_E_UNSUPPORTED);
        if (!strstr(err.text, cases[i][1])) T_FAIL("\"%s\" does not say \"%s\"", err.text, cases[i][1]);
        T_CHECK(!s);
        goss_network_free(net);
    }
}
TEST_MAIN()
