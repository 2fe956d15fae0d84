/* A recurrent cell over a whole sequence, forward and back, in one call.
 *
 * Step by step the products U h are too small for a library call to pay: 256 calls for a row of 256 tokens, each with
 * its own start and its own wait for the other threads. Here every thread takes some rows of the batch through all
 * times alone, so threads never wait for each other before the end, and a busy neighbour on one core delays only the
 * rows of that core. U is packed once per call into panels of two vectors, so that it streams from the cache.
 *
 * Layouts: wx, d_wx (batch, time, gates, width); out, cells, d_out (batch, time, width); states (batch, width); keep
 * (batch, time) is 0 where a document begins. gates: lstm i f g o, gru r z n after their curves, then U_n h.
 */
#include "native.h"

#ifdef __AVX512F__
#define LANES 16
#define MOST_ROWS 12
#else
#define LANES 8
#define MOST_ROWS 6
#endif
#define PANEL (2 * LANES)
#define DEPTH 256

typedef float vector __attribute__((vector_size(LANES * 4), aligned(4)));

enum { RNN, GRU, LSTM };

static const int64_t GATES[] = {1, 3, 4};

/* matrix (depth, columns) by its strides -> panels (columns / PANEL, depth, PANEL), filled up with zeros. */
static void pack(const float *matrix, float *panels, int64_t depth, int64_t columns, int64_t depth_stride,
                 int64_t column_stride, int threads) {
#pragma omp parallel for num_threads(threads)
    for (int64_t first = 0; first < columns; first += PANEL)
        for (int64_t k = 0; k < depth; k++)
            for (int64_t i = 0; i < PANEL; i++)
                panels[first * depth + k * PANEL + i] =
                    first + i < columns ? matrix[k * depth_stride + (first + i) * column_stride] : 0.0f;
}

/* y (rows, PANEL) += x (rows, depth) panel (depth, PANEL); `rows` is a constant wherever this is inlined. */
static inline __attribute__((always_inline)) void tile(const int rows, const float *restrict x, int64_t x_stride,
                                                       const float *restrict panel, int64_t depth,
                                                       float *restrict y, int64_t y_stride) {
    vector sum[MOST_ROWS][2];
    for (int row = 0; row < rows; row++)
        for (int half = 0; half < 2; half++) sum[row][half] = *(const vector *)(y + row * y_stride + half * LANES);
    for (int64_t k = 0; k < depth; k++) {
        vector first = *(const vector *)(panel + k * PANEL), second = *(const vector *)(panel + k * PANEL + LANES);
        for (int row = 0; row < rows; row++) {
            float factor = x[row * x_stride + k];
            sum[row][0] += factor * first;
            sum[row][1] += factor * second;
        }
    }
    for (int row = 0; row < rows; row++)
        for (int half = 0; half < 2; half++) *(vector *)(y + row * y_stride + half * LANES) = sum[row][half];
}

static void rows_times_panel(int rows, const float *x, int64_t x_stride, const float *panel, int64_t depth, float *y,
                             int64_t y_stride) {
    switch (rows) {
    case 1: tile(1, x, x_stride, panel, depth, y, y_stride); break;
    case 2: tile(2, x, x_stride, panel, depth, y, y_stride); break;
    case 3: tile(3, x, x_stride, panel, depth, y, y_stride); break;
    case 4: tile(4, x, x_stride, panel, depth, y, y_stride); break;
    case 5: tile(5, x, x_stride, panel, depth, y, y_stride); break;
    case 6: tile(6, x, x_stride, panel, depth, y, y_stride); break;
#if MOST_ROWS > 6
    case 7: tile(7, x, x_stride, panel, depth, y, y_stride); break;
    case 8: tile(8, x, x_stride, panel, depth, y, y_stride); break;
    case 9: tile(9, x, x_stride, panel, depth, y, y_stride); break;
    case 10: tile(10, x, x_stride, panel, depth, y, y_stride); break;
    case 11: tile(11, x, x_stride, panel, depth, y, y_stride); break;
    case 12: tile(12, x, x_stride, panel, depth, y, y_stride); break;
#endif
    }
}

/* y (rows, columns) += x (rows, depth) matrix, which is packed; DEPTH at a time, so that the part of a panel stays in the
 * first cache while all rows use it. */
static void add_product(float *y, const float *x, const float *panels, int64_t rows, int64_t depth,
                        int64_t columns) {
    int64_t blocks = (rows + MOST_ROWS - 1) / MOST_ROWS;
    for (int64_t begin = 0; begin < depth; begin += DEPTH) {
        int64_t deep = depth - begin < DEPTH ? depth - begin : DEPTH;
        for (int64_t first = 0; first < columns; first += PANEL) {
            int64_t valid = columns - first < PANEL ? columns - first : PANEL;
            const float *panel = panels + first * depth + begin * PANEL;
            for (int64_t block = 0; block < blocks; block++) {
                int64_t row = rows * block / blocks, count = rows * (block + 1) / blocks - row;
                const float *in = x + row * depth + begin;
                float *out = y + row * columns + first;
                if (valid == PANEL) {
                    rows_times_panel((int)count, in, depth, panel, deep, out, columns);
                    continue;
                }
                float edge[MOST_ROWS * PANEL];
                memset(edge, 0, sizeof edge);
                for (int64_t i = 0; i < count; i++) memcpy(edge + i * PANEL, out + i * columns, valid * 4);
                rows_times_panel((int)count, in, depth, panel, deep, edge, PANEL);
                for (int64_t i = 0; i < count; i++) memcpy(out + i * columns, edge + i * PANEL, valid * 4);
            }
        }
    }
}

/* What the cell's formula makes of a = W x + b and u = U h + b at one place; `kept` are the values for the way back. */
static void cell_forward(int64_t kind, const float *restrict a, const float *restrict u, const float *restrict h,
                         const float *restrict c, float *restrict out, float *restrict new_c,
                         float *restrict kept, int64_t width) {
    if (kind == RNN) {
        for (int64_t i = 0; i < width; i++) out[i] = hyperbolic_tangent(a[i] + u[i]);
    } else if (kind == GRU) {
        for (int64_t i = 0; i < 2 * width; i++) kept[i] = sigmoid(a[i] + u[i]);
        for (int64_t i = 0; i < width; i++) {
            float product = u[2 * width + i], new = hyperbolic_tangent(a[2 * width + i] + kept[i] * product);
            kept[2 * width + i] = new;
            kept[3 * width + i] = product;
            out[i] = new + kept[width + i] * (h[i] - new);
        }
    } else {
        for (int64_t i = 0; i < 2 * width; i++) kept[i] = sigmoid(a[i] + u[i]);
        for (int64_t i = 2 * width; i < 3 * width; i++) kept[i] = hyperbolic_tangent(a[i] + u[i]);
        for (int64_t i = 3 * width; i < 4 * width; i++) kept[i] = sigmoid(a[i] + u[i]);
        for (int64_t i = 0; i < width; i++) {
            new_c[i] = kept[width + i] * c[i] + kept[i] * kept[2 * width + i];
            out[i] = kept[3 * width + i] * hyperbolic_tangent(new_c[i]);
        }
    }
}

/* From dh, the gradient of the new h: da, du, and what reaches the old state past the product (dh, dc, in place). */
static void cell_backward(int64_t kind, float *restrict dh, float *restrict dc, const float *restrict h,
                          const float *restrict c, const float *restrict out, const float *restrict new_c,
                          const float *restrict kept, float *restrict da, float *restrict du, int64_t width) {
    for (int64_t i = 0; i < width; i++) {
        float grad = dh[i];
        if (kind == RNN) {
            da[i] = du[i] = grad * (1.0f - out[i] * out[i]);
            dh[i] = 0.0f;
        } else if (kind == GRU) {
            float reset = kept[i], keep = kept[width + i], new = kept[2 * width + i], product = kept[3 * width + i];
            float d_new = grad * (1.0f - keep) * (1.0f - new * new);
            da[i] = du[i] = d_new * product * reset * (1.0f - reset);
            da[width + i] = du[width + i] = grad * (h[i] - new) * keep * (1.0f - keep);
            da[2 * width + i] = d_new;
            du[2 * width + i] = d_new * reset;
            dh[i] = grad * keep;
        } else {
            float in = kept[i], forget = kept[width + i], value = kept[2 * width + i], show = kept[3 * width + i];
            float curve = hyperbolic_tangent(new_c[i]), d_new = dc[i] + grad * show * (1.0f - curve * curve);
            da[i] = du[i] = d_new * value * in * (1.0f - in);
            da[width + i] = du[width + i] = d_new * c[i] * forget * (1.0f - forget);
            da[2 * width + i] = du[2 * width + i] = d_new * in * (1.0f - value * value);
            da[3 * width + i] = du[3 * width + i] = grad * curve * show * (1.0f - show);
            dc[i] = d_new * forget;
            dh[i] = 0.0f;
        }
    }
}

/* The state before a place: what the place before left, or what was given; times `keep`. */
static void state_before(float *state, const float *values, const float *given, int64_t row, int64_t time, int64_t t,
                         int64_t width, float keep) {
    const float *from = t ? values + (row * time + t - 1) * width : given + row * width;
    for (int64_t i = 0; i < width; i++) state[i] = keep * from[i];
}

/* panels: room for the packed weight (gates width, width); before: (batch, width); sums: (batch, gates, width). */
void through_time_forward(const void *wx, const float *weight, const float *bias, const float *keep,
                          const float *h, const float *c, float *out, float *cells, float *gates, float *panels,
                          float *before, float *sums, int64_t kind, int64_t batch, int64_t time, int64_t width,
                          int narrow, int threads) {
    int64_t all = GATES[kind] * width, saved = kind == RNN ? 0 : 4 * width;
    pack(weight, panels, width, all, 1, width, threads);
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int thread = 0; thread < threads; thread++) {
        int64_t first = batch * thread / threads, last = batch * (thread + 1) / threads;
        float a[all], old_c[width];
        for (int64_t t = 0; t < time; t++) {
            for (int64_t row = first; row < last; row++) {
                state_before(before + row * width, out, h, row, time, t, width, keep[row * time + t]);
                memcpy(sums + row * all, bias, all * 4);
            }
            add_product(sums + first * all, before + first * width, panels, last - first, width, all);
            for (int64_t row = first; row < last; row++) {
                int64_t place = row * time + t;
                load(a, wx, place * all, all, narrow);
                if (kind == LSTM) state_before(old_c, cells, c, row, time, t, width, keep[place]);
                cell_forward(kind, a, sums + row * all, before + row * width, old_c, out + place * width,
                             cells + place * width, gates + place * saved, width);
            }
        }
    }
}

/* dh, dc: gradients of the last state, which become those of the given one. d_uh: as d_wx, written for GRU only, as
 * elsewhere both are the same. panels and sums: as above. */
void through_time_backward(const float *d_out, float *dh, float *dc, const float *weight, const float *keep,
                           const float *h, const float *c, const float *out, const float *cells, const float *gates,
                           void *d_wx, void *d_uh, float *panels, float *sums, int64_t kind, int64_t batch,
                           int64_t time, int64_t width, int narrow, int threads) {
    int64_t all = GATES[kind] * width, saved = kind == RNN ? 0 : 4 * width;
    pack(weight, panels, all, width, width, 1, threads);
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int thread = 0; thread < threads; thread++) {
        int64_t first = batch * thread / threads, last = batch * (thread + 1) / threads;
        float da[all], old_h[width], old_c[width];
        for (int64_t t = time - 1; t >= 0; t--) {
            for (int64_t row = first; row < last; row++) {
                int64_t place = row * time + t;
                float *restrict grad = dh + row * width, *du = sums + row * all;
                const float *restrict own = d_out + place * width;
                for (int64_t i = 0; i < width; i++) grad[i] += own[i];
                if (kind == GRU) state_before(old_h, out, h, row, time, t, width, keep[place]);
                if (kind == LSTM) state_before(old_c, cells, c, row, time, t, width, keep[place]);
                cell_backward(kind, grad, dc + row * width, old_h, old_c, out + place * width,
                              cells + place * width, gates + place * saved, da, du, width);
                store(d_wx, place * all, da, all, narrow);
                if (kind == GRU) store(d_uh, place * all, du, all, narrow);
            }
            add_product(dh + first * width, sums + first * all, panels, last - first, all, width);
            for (int64_t row = first; row < last; row++) {
                for (int64_t i = 0; i < width; i++) dh[row * width + i] *= keep[row * time + t];
                if (kind != LSTM) continue;
                for (int64_t i = 0; i < width; i++) dc[row * width + i] *= keep[row * time + t];
            }
        }
    }
}
