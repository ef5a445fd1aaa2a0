/* SPDX-License-Identifier: Apache-2.0 */
/* A small multilayer perceptron: three hidden layers of rectified units, linear outputs, trained by
 * Adam on the Huber loss. */
#ifndef QBID_CONTROL_MODELS_QLEARNING_MLP_H
#define QBID_CONTROL_MODELS_QLEARNING_MLP_H

#include <stdint.h>

#define QBID_MLP_LAYERS 4 /* of weights */
#define QBID_MLP_WIDTH_MAX 64
#define QBID_MLP_H1 64
#define QBID_MLP_H2 32
#define QBID_MLP_H3 16

/* Every number that is learned, layer by layer: weights of the units, input by input, then biases.
 *
 *   in -> 64 -> 32 -> 16 -> out       max(0, x) after each but the last
 */
struct qbid_mlp {
    uint32_t width[QBID_MLP_LAYERS + 1]; /* in, 64, 32, 16, out */
    uint32_t weight_cnt;                 /* of one of the arrays below */
    uint32_t step_cnt;                   /* Adam steps taken */
    double *weight;                      /* weight_cnt each, one allocation, owned */
    double *gradient;                    /* summed since the last step */
    double *mean, *square;               /* Adam's moments */
};

/** What one forward pass leaves for the backward pass. */
struct qbid_mlp_trace {
    double unit[QBID_MLP_LAYERS + 1][QBID_MLP_WIDTH_MAX]; /* [0] the input, [LAYERS] the output */
};

/**
 * Make a net with random weights (He et al. 2015: variance 2 / inputs), biases 0.
 *
 * Shapes:  in, out in [1, QBID_MLP_WIDTH_MAX]; the same seed gives the same net.
 * Returns: 0; QBID_ERR_INVAL, QBID_ERR_NOMEM. qbid_mlp_done() frees it.
 */
int qbid_mlp_init(struct qbid_mlp *mlp, uint32_t in, uint32_t out, uint64_t seed);
void qbid_mlp_done(struct qbid_mlp *mlp);

/** Take another net's weights, not its moments; the widths must be equal. */
void qbid_mlp_copy(struct qbid_mlp *to, const struct qbid_mlp *from);

/**
 * Outputs for one input of width[0] numbers.
 *
 * Returns: &ret_trace->unit[QBID_MLP_LAYERS][0].
 * Threads: reads the net only.
 * Cost:    about 1 us for 6 inputs.
 */
const double *qbid_mlp_forward(const struct qbid_mlp *mlp, const double *in,
                               struct qbid_mlp_trace *ret_trace);

/**
 * Add the gradient of a loss, given its slopes at the outputs of a traced pass.
 *
 * Shapes:  slope holds width[LAYERS] numbers.
 * Threads: writes gradient only.
 * Source:  Rumelhart, Hinton and Williams 1986.
 */
void qbid_mlp_backward(struct qbid_mlp *mlp, const struct qbid_mlp_trace *trace,
                       const double *slope);

/**
 * One Adam step down the summed gradient, which is zero afterwards.
 *
 * Shapes:  scale multiplies the sum (1 / samples); a gradient longer than clip is shortened to it.
 * Returns: 0; QBID_ERR_INVAL for a gradient with a number that is not finite: nothing is learned.
 * Source:  Kingma and Ba 2015, moments 0.9 and 0.999.
 */
int qbid_mlp_step(struct qbid_mlp *mlp, double rate, double scale, double clip);

/** Huber loss of an error, quadratic within [-1, 1], and its slope. */
double qbid_mlp_huber(double error, double *ret_slope);

/** Bytes that save writes: widths and weights, little-endian, with a checksum. */
uint32_t qbid_mlp_save_bytes(const struct qbid_mlp *mlp);
void qbid_mlp_save(const struct qbid_mlp *mlp, void *out);

/**
 * Make a net from saved bytes.
 *
 * Returns: 0; QBID_ERR_VERSION for another layout, QBID_ERR_CORRUPT for a wrong checksum or length
 *          or a weight that is not finite, QBID_ERR_NOMEM.
 */
int qbid_mlp_restore(struct qbid_mlp *mlp, const void *data, uint32_t bytes);

#endif
