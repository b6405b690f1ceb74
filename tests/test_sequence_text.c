/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of layers on sequences: what they are canonically, and the errors of texts and of graphs that do not fit. */
#include <string.h>

#include "gossamer/compose.h"
#include "gossamer/nn.h"
#include "sequence_net.h"

TEST(texts_are_canonical) {
    static const char *const texts[][2] = {
        {"transformer 8 2 causal dropout .1; readout last",
         "dense 8\nresidual {\nnorm layer\nattention 2 causal\ndropout 0.1\n}\nresidual {\nnorm layer\ndense "
         "32\ngelu\ndense "
         "8\ndropout 0.1\n}\nreadout last\nhead\n"},
        {"conv1d 4 3 pad 1 stride 2; pool1d max 2 stride 2; lstm 3 bidirectional norm; readout attention",
         "conv1d 4 3 stride 2 pad 1\npool1d max 2\nlstm 3 norm bidirectional\nreadout attention\nhead\n"},
        {"hyperrnn 3 2 1 norm position; readout last", "hyperrnn 3 2 1 position norm\nreadout last\nhead\n"},
        {"gru 3 dropout .2 start; readout last", "gru 3 start dropout 0.2\nreadout last\nhead\n"},
        {"attention 2 rotary width 2; attention 2 width 3; readout last",
         "attention 2 rotary\nattention 2 width 3\nreadout last\nhead\n"},
        {"mlp 3", "flatten\ndense 3\nrelu\nhead\n"}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        goss_target *t, *again;
        if (goss_target_parse(texts[i][0], (int64_t[]){STEPS, WIDTH}, 2, 2, &t, &err) != GOSS_OK)
            T_FAIL("%s", err.text);
        T_STR(goss_target_text(t), texts[i][1]);
        T_OK(goss_target_parse(goss_target_text(t), (int64_t[]){STEPS, WIDTH}, 2, 2, &again, &err));
        T_STR(goss_target_text(again), texts[i][1]);
        goss_target_free(t), goss_target_free(again);
    }
}

TEST(errors_say_what_to_write) {
    static const struct {
        const char *text, *says;
        int rank;
    } cases[] = {
        {"gru 4", "gru: requires a sequence (steps x channels), but its input is features: 9", 1},
        {"readout mean; gru 4", "gru: requires a sequence", 2},
        {"gru 4 dropout 1.5; readout last", "dropout: \"1.5\" is not a number in [0, 1)", 2},
        {"gru 4 dropout; readout last", "gru: incomplete", 2},
        {"hyperlstm 4 2 2 dropout 0.5; readout last", "hyperlstm: \"dropout\"", 2},
        {"gru", "gru: incomplete; write: gru D [norm] [bidirectional] [start] [dropout P]", 2},
        {"gru 4 twice", "\"twice\" is not expected here", 2},
        {"conv 4 3", "conv: requires images, but its input is a sequence of 9 x 4", 2},
        {"conv1d 4 12", "a window of 12 steps does not fit in 9", 2},
        {"conv1d 4 3 groups 3", "groups 3 does not divide 4 and 4 channels", 2},
        {"attention 3", "4 channels do not divide into 3 heads", 2},
        {"attention 4 rotary", "4 heads of even width", 2},
        {"transformer 8", "transformer: incomplete; write: transformer D H", 2},
        {"transformer 8 2 dropped", "\"dropped\" is not expected here", 2},
        {"readout first", "readout: \"first\" is not expected here; write: readout mean | max | last | attention", 2},
        {"embedding 9 4", "requires one id a step, but its input has 4 numbers a step", 2},
        {"dense 1; embedding 9 4", "embedding: it can only be the first layer", 2},
        {"positions late", "positions: \"late\" is not expected here; write: positions learned | sinusoidal", 2},
        {"steps 3", "steps: requires features, but its input is 9 x 4; put flatten before it", 2},
        {"flatten; steps 5", "36 features do not divide into steps of 5", 2},
        {"hyperlstm 4 2 2 start", "\"start\" is not expected here", 2},
        {"hypergru 4 2", "hypergru: incomplete; write: hypergru D K Z [position] [norm] [bidirectional]", 2},
        {"gru 4 position", "gru: \"position\" is not expected here", 2},
        {"hyperdense 4 2 2 position bidirectional", "hyperdense: without a state it has no direction", 2},
        {"hyperdense 4 2 2", "hyperdense: requires a sequence (steps x channels), but its input is features: 9", 1},
        {"pool max 2", "pool: requires images, but its input is a sequence of 9 x 4", 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        goss_target *t;
        if (goss_target_parse(cases[i].text, (int64_t[]){9, 4}, cases[i].rank, 2, &t, &err) != GOSS_E_ARGUMENT)
            T_FAIL("\"%s\" was not refused", cases[i].text);
        if (!strstr(err.text, cases[i].says))
            T_FAIL("\"%s\": \"%s\" does not say \"%s\"", cases[i].text, err.text, cases[i].says);
    }
}

TEST(lengths_that_do_not_fit) {
    goss_target *t;
    T_OK(goss_target_parse("gru 5", (int64_t[]){STEPS, WIDTH}, 2, 3, &t, &err));
    goss_graph *g = goss_graph_new();
    goss_weights *w = goss_weights_from_params(g, goss_target_layout(t), "w");
    goss_target_context c = goss_target_context_defaults();
    c.lengths = goss_input(g, "lengths", GOSS_REAL, GOSS_SHAPE(goss_n(1), goss_n(2)));
    const goss_val x = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(goss_n(1), goss_n(3), goss_n(STEPS), goss_n(WIDTH)));
    T_CHECK(!goss_valid(goss_target_features(t, x, w, &c)));
    T_ERR(goss_graph_status(g, &err), GOSS_E_SHAPE, "lengths are [T,N]");
    goss_weights_free(w), goss_graph_free(g), goss_target_free(t);
}

TEST(a_cell_without_a_state_is_no_recurrent_layer) {
    goss_graph *g = goss_graph_new();
    const goss_extent one = goss_n(1), units = goss_n(WIDTH);
    const goss_val w = goss_input(g, "w", GOSS_REAL, GOSS_SHAPE(one, units, units));
    const goss_val x = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(one, one, goss_n(STEPS), units));
    goss_val state = GOSS_NONE;
    T_CHECK(!goss_valid(
        goss_recurrent_run(GOSS_CELL_DENSE, x, (goss_recurrent){.w = w, .u = w}, goss_scan_defaults(), &state)));
    T_ERR(goss_graph_status(g, &err), GOSS_E_ARGUMENT, "dense: a cell without a state is no recurrent layer");
    goss_graph_free(g);
}

TEST_MAIN()
