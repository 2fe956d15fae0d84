/* The memory-bound operations of a training step, each in one pass over its data.
 *
 * On a processor with fast narrow products (bf16) a small model spends more time moving activations between
 * element-wise operations than multiplying matrices. Every function here does in one read and one write what
 * takes torch five to fifteen of each. `narrow` says that the activations are bfloat16 (else float32); all
 * arithmetic is float32. The plain torch definition of each stands in the Python file that calls it.
 */
#include "native.h"

/* y = x / sqrt(mean(x^2) + epsilon) * weight; `inverse` keeps 1 / sqrt(...) of each row for the way back. */
void rms_norm_forward(const float *x, const float *weight, void *y, float *inverse, int64_t rows,
                      int64_t width, float epsilon, int narrow, int threads) {
#pragma omp parallel for num_threads(threads) if (rows * width > 65536)
    for (int64_t row = 0; row < rows; row++) {
        const float *restrict in = x + row * width;
        float square = 0.0f, out[width];
        for (int64_t i = 0; i < width; i++) square += in[i] * in[i];
        float scale = 1.0f / sqrtf(square / (float)width + epsilon);
        inverse[row] = scale;
        for (int64_t i = 0; i < width; i++) out[i] = in[i] * scale * weight[i];
        store(y, row * width, out, width, narrow);
    }
}

/* dx = scale (w dy - x scale^2 mean(w dy x)); d_weight has one row per thread, summed by the caller. */
void rms_norm_backward(const void *dy, const float *x, const float *weight, const float *inverse, float *dx,
                       float *d_weight, int64_t rows, int64_t width, int narrow, int threads) {
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int thread = 0; thread < threads; thread++) {
        float *restrict dw = d_weight + thread * width;
        int64_t first = rows * thread / threads, last = rows * (thread + 1) / threads;
        float grad[width];
        for (int64_t row = first; row < last; row++) {
            const float *restrict in = x + row * width;
            float *restrict out = dx + row * width;
            float scale = inverse[row], dot = 0.0f;
            load(grad, dy, row * width, width, narrow);
            for (int64_t i = 0; i < width; i++) {
                dw[i] += grad[i] * in[i] * scale;
                grad[i] *= weight[i];
                dot += grad[i] * in[i];
            }
            dot *= scale * scale / (float)width;
            for (int64_t i = 0; i < width; i++) out[i] = scale * (grad[i] - in[i] * dot);
        }
    }
}

/* One head: normalise, then turn the pairs (i, i + half) by the angle of the position. */
static void norm_and_rotate(float *restrict head, const float *weight, const float *cosine, const float *sine,
                            float *inverse, int64_t size, float epsilon) {
    int64_t half = size / 2;
    float square = 0.0f;
    for (int64_t i = 0; i < size; i++) square += head[i] * head[i];
    float scale = 1.0f / sqrtf(square / (float)size + epsilon);
    *inverse = scale;
    for (int64_t i = 0; i < half; i++) {
        float a = head[i] * scale * weight[i], b = head[i + half] * scale * weight[i + half];
        head[i] = a * cosine[i] - b * sine[i];
        head[i + half] = b * cosine[i] + a * sine[i];
    }
}

/* The way back of the same: `grad` holds d(output) and becomes d(input); `head` holds the input. */
static void norm_and_rotate_back(float *restrict grad, const float *restrict head, const float *weight,
                                 const float *cosine, const float *sine, float scale, float *restrict d_weight,
                                 int64_t size) {
    int64_t half = size / 2;
    float dot = 0.0f;
    for (int64_t i = 0; i < half; i++) {
        float a = grad[i], b = grad[i + half];
        grad[i] = a * cosine[i] + b * sine[i];
        grad[i + half] = b * cosine[i] - a * sine[i];
    }
    for (int64_t i = 0; i < size; i++) {
        d_weight[i] += grad[i] * head[i] * scale;
        grad[i] *= weight[i];
        dot += grad[i] * head[i];
    }
    dot *= scale * scale / (float)size;
    for (int64_t i = 0; i < size; i++) grad[i] = scale * (grad[i] - head[i] * dot);
}

/* Where vector `head` of place (b, t) lies in a tensor (batch, heads, time, size). */
static inline int64_t place_of(int64_t place, int64_t time, int64_t heads, int64_t head, int64_t size) {
    return (((place / time) * heads + head) * time + place % time) * size;
}

/* qkv: (batch, time, heads + 2 kv_heads, size). Queries and keys are normalised and rotated, values copied; the
 * outputs are (batch, heads or kv_heads, time, size). cosine, sine: (batch, time, size). */
void rotary_heads_forward(const void *qkv, const float *q_weight, const float *k_weight, const float *cosine,
                          const float *sine, void *q, void *k, void *v, float *inverse, int64_t batch,
                          int64_t time, int64_t heads, int64_t kv_heads, int64_t size, float epsilon, int narrow,
                          int threads) {
    int64_t rotated = heads + kv_heads, all = rotated + kv_heads;
#pragma omp parallel for num_threads(threads) if (batch * time * size > 8192)
    for (int64_t place = 0; place < batch * time; place++) {
        float head[size], *scales = inverse + place * rotated;
        const float *c = cosine + place * size, *s = sine + place * size;
        for (int64_t h = 0; h < all; h++) {
            load(head, qkv, (place * all + h) * size, size, narrow);
            if (h < heads) {
                norm_and_rotate(head, q_weight, c, s, scales + h, size, epsilon);
                store(q, place_of(place, time, heads, h, size), head, size, narrow);
            } else if (h < rotated) {
                norm_and_rotate(head, k_weight, c, s, scales + h, size, epsilon);
                store(k, place_of(place, time, kv_heads, h - heads, size), head, size, narrow);
            } else {
                store(v, place_of(place, time, kv_heads, h - rotated, size), head, size, narrow);
            }
        }
    }
}

/* d_weights: (threads, 2, size), the rows for queries and keys. Gradients have the layout of the outputs. */
void rotary_heads_backward(const void *dq, const void *dk, const void *dv, const void *qkv,
                           const float *q_weight, const float *k_weight, const float *cosine, const float *sine,
                           const float *inverse, void *d_qkv, float *d_weights, int64_t batch, int64_t time,
                           int64_t heads, int64_t kv_heads, int64_t size, int narrow, int threads) {
    int64_t rotated = heads + kv_heads, all = rotated + kv_heads, places = batch * time;
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int thread = 0; thread < threads; thread++) {
        float grad[size], head[size];
        float *d_query = d_weights + thread * 2 * size, *d_key = d_query + size;
        int64_t last = places * (thread + 1) / threads;
        for (int64_t place = places * thread / threads; place < last; place++) {
            const float *c = cosine + place * size, *s = sine + place * size;
            const float *scales = inverse + place * rotated;
            for (int64_t h = 0; h < all; h++) {
                int64_t at = (place * all + h) * size;
                load(head, qkv, at, size, narrow);
                if (h < heads) {
                    load(grad, dq, place_of(place, time, heads, h, size), size, narrow);
                    norm_and_rotate_back(grad, head, q_weight, c, s, scales[h], d_query, size);
                } else if (h < rotated) {
                    load(grad, dk, place_of(place, time, kv_heads, h - heads, size), size, narrow);
                    norm_and_rotate_back(grad, head, k_weight, c, s, scales[h], d_key, size);
                } else {
                    load(grad, dv, place_of(place, time, kv_heads, h - rotated, size), size, narrow);
                }
                store(d_qkv, at, grad, size, narrow);
            }
        }
    }
}

/* scores: (batch, heads, time, keys), overwritten. Query i sees one run of keys, starts[i] .. ends[i], that may be
 * empty. Row i becomes softmax(scale * scores) over those and zero elsewhere. starts, ends: (batch, time). */
void run_softmax_forward(void *scores, const int64_t *starts, const int64_t *ends, int64_t batch, int64_t heads,
                         int64_t time, int64_t keys, float scale, int narrow, int threads) {
#pragma omp parallel for num_threads(threads) if (batch * heads * time * keys > 65536)
    for (int64_t row = 0; row < batch * heads * time; row++) {
        int64_t place = row / (heads * time) * time + row % time;
        int64_t first = starts[place], seen = ends[place] + 1 - first;
        float values[keys], top = -INFINITY, sum = 0.0f;
        load(values, scores, row * keys + first, seen, narrow);
#pragma omp simd reduction(max : top)
        for (int64_t j = 0; j < seen; j++) top = values[j] > top ? values[j] : top;
        for (int64_t j = 0; j < seen; j++) {
            values[j] = exponential(scale * (values[j] - top));
            sum += values[j];
        }
        sum = 1.0f / sum;
        for (int64_t j = 0; j < seen; j++) values[j] *= sum;
        int64_t bytes = narrow ? 2 : 4;
        memset((char *)scores + row * keys * bytes, 0, keys * bytes);
        store(scores, row * keys + first, values, seen, narrow);
    }
}

/* d_scores holds d(probabilities) and becomes d(scores) = scale p (dp - sum(p dp)). */
void run_softmax_backward(void *d_scores, const void *probabilities, const int64_t *starts, const int64_t *ends,
                          int64_t batch, int64_t heads, int64_t time, int64_t keys, float scale, int narrow,
                          int threads) {
#pragma omp parallel for num_threads(threads) if (batch * heads * time * keys > 65536)
    for (int64_t row = 0; row < batch * heads * time; row++) {
        int64_t place = row / (heads * time) * time + row % time;
        int64_t first = starts[place], seen = ends[place] + 1 - first;
        float grad[keys], p[keys], dot = 0.0f;
        load(grad, d_scores, row * keys + first, seen, narrow);
        load(p, probabilities, row * keys + first, seen, narrow);
        for (int64_t j = 0; j < seen; j++) dot += grad[j] * p[j];
        for (int64_t j = 0; j < seen; j++) grad[j] = scale * p[j] * (grad[j] - dot);
        int64_t bytes = narrow ? 2 : 4;
        memset((char *)d_scores + row * keys * bytes, 0, keys * bytes);
        store(d_scores, row * keys + first, grad, seen, narrow);
    }
}

/* y = silu(gate) * up, where each row of gate_up is gate then up. */
void swiglu_forward(const void *gate_up, void *y, int64_t rows, int64_t hidden, int narrow, int threads) {
#pragma omp parallel for num_threads(threads) if (rows * hidden > 32768)
    for (int64_t row = 0; row < rows; row++) {
        float both[2 * hidden], out[hidden];
        load(both, gate_up, row * 2 * hidden, 2 * hidden, narrow);
        for (int64_t i = 0; i < hidden; i++)
            out[i] = both[i] / (1.0f + exponential(-both[i])) * both[hidden + i];
        store(y, row * hidden, out, hidden, narrow);
    }
}

void swiglu_backward(const void *dy, const void *gate_up, void *d_gate_up, int64_t rows, int64_t hidden,
                     int narrow, int threads) {
#pragma omp parallel for num_threads(threads) if (rows * hidden > 32768)
    for (int64_t row = 0; row < rows; row++) {
        float both[2 * hidden], grad[hidden], out[2 * hidden];
        load(both, gate_up, row * 2 * hidden, 2 * hidden, narrow);
        load(grad, dy, row * hidden, hidden, narrow);
        for (int64_t i = 0; i < hidden; i++) {
            float gate = both[i], up = both[hidden + i], sigmoid = 1.0f / (1.0f + exponential(-gate));
            out[hidden + i] = grad[i] * gate * sigmoid;
            out[i] = grad[i] * up * sigmoid * (1.0f + gate * (1.0f - sigmoid));
        }
        store(d_gate_up, row * 2 * hidden, out, 2 * hidden, narrow);
    }
}

/* Each row of logits becomes softmax(logits) - onehot(target); losses[row] = -log softmax(logits)[target]. */
void softmax_cross_entropy(void *logits, const int64_t *targets, float *losses, int64_t rows, int64_t vocab,
                           int narrow, int threads) {
#pragma omp parallel for num_threads(threads)
    for (int64_t row = 0; row < rows; row++) {
        float values[vocab], top = -INFINITY, sum = 0.0f;
        load(values, logits, row * vocab, vocab, narrow);
#pragma omp simd reduction(max : top)
        for (int64_t i = 0; i < vocab; i++) top = values[i] > top ? values[i] : top;
        float target = values[targets[row]];
        for (int64_t i = 0; i < vocab; i++) {
            values[i] = exponential(values[i] - top);
            sum += values[i];
        }
        losses[row] = logf(sum) + top - target;
        float scale = 1.0f / sum;
        for (int64_t i = 0; i < vocab; i++) values[i] *= scale;
        values[targets[row]] -= 1.0f;
        store(logits, row * vocab, values, vocab, narrow);
    }
}

/* wx, uh: (batch, 4 width), parts i f g o. gates keeps their values after sigmoid and tanh for the way back. */
void lstm_cell_forward(const void *wx, const void *uh, const float *c, float *h, float *new_c, float *gates,
                       int64_t batch, int64_t width, int narrow, int threads) {
#pragma omp parallel for num_threads(threads) if (batch * width > 2048)
    for (int64_t row = 0; row < batch; row++) {
        float a[4 * width], b[4 * width];
        load(a, wx, row * 4 * width, 4 * width, narrow);
        load(b, uh, row * 4 * width, 4 * width, narrow);
        float *restrict gate = gates + row * 4 * width;
        const float *restrict old = c + row * width;
        float *restrict out = h + row * width, *restrict kept = new_c + row * width;
        for (int64_t i = 0; i < 2 * width; i++) gate[i] = sigmoid(a[i] + b[i]);
        for (int64_t i = 2 * width; i < 3 * width; i++) gate[i] = hyperbolic_tangent(a[i] + b[i]);
        for (int64_t i = 3 * width; i < 4 * width; i++) gate[i] = sigmoid(a[i] + b[i]);
        for (int64_t i = 0; i < width; i++) {
            kept[i] = gate[width + i] * old[i] + gate[i] * gate[2 * width + i];
            out[i] = gate[3 * width + i] * hyperbolic_tangent(kept[i]);
        }
    }
}

/* d_gates: (batch, 4 width), the gradient of both wx and uh; dc: that of the old state. */
void lstm_cell_backward(const float *dh, const float *d_new, const float *gates, const float *c,
                        const float *new_c, void *d_gates, float *dc, int64_t batch, int64_t width, int narrow,
                        int threads) {
#pragma omp parallel for num_threads(threads) if (batch * width > 2048)
    for (int64_t row = 0; row < batch; row++) {
        const float *restrict gate = gates + row * 4 * width, *restrict old = c + row * width;
        const float *restrict kept = new_c + row * width;
        float out[4 * width];
        for (int64_t i = 0; i < width; i++) {
            float in = gate[i], forget = gate[width + i], value = gate[2 * width + i], show = gate[3 * width + i];
            float curve = hyperbolic_tangent(kept[i]), grad = dh[row * width + i];
            float d_kept = d_new[row * width + i] + grad * show * (1.0f - curve * curve);
            out[i] = d_kept * value * in * (1.0f - in);
            out[width + i] = d_kept * old[i] * forget * (1.0f - forget);
            out[2 * width + i] = d_kept * in * (1.0f - value * value);
            out[3 * width + i] = grad * curve * show * (1.0f - show);
            dc[row * width + i] = d_kept * forget;
        }
        store(d_gates, row * 4 * width, out, 4 * width, narrow);
    }
}
