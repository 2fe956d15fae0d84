/* What the native operations share: bfloat16 in memory, float32 in arithmetic, and e^x that vectorises. */
#ifndef ZHIXING_NATIVE_H
#define ZHIXING_NATIVE_H

#include <math.h>
#include <stdint.h>
#include <string.h>

typedef uint16_t bf16;

static inline float widen(bf16 x) {
    uint32_t bits = (uint32_t)x << 16;
    float y;
    memcpy(&y, &bits, 4);
    return y;
}

static inline bf16 round_to_bf16(float x) { /* to nearest, ties to even */
    uint32_t bits;
    memcpy(&bits, &x, 4);
    return (bf16)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

/* e^x for x in [-87, 88]: x = n ln2 + r, a polynomial for e^r, the exponent set by hand; error below 2e-7. */
static inline float exponential(float x) {
    x = x < -87.0f ? -87.0f : (x > 88.0f ? 88.0f : x);
    float n = floorf(x * 1.44269504f + 0.5f);
    float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    int32_t bits = ((int32_t)n + 127) << 23;
    float scale;
    memcpy(&scale, &bits, 4);
    return p * scale;
}

static inline void load(float *restrict out, const void *in, int64_t at, int64_t size, int narrow) {
    if (narrow) {
        const bf16 *restrict x = (const bf16 *)in + at;
        for (int64_t i = 0; i < size; i++) out[i] = widen(x[i]);
    } else {
        memcpy(out, (const float *)in + at, size * sizeof(float));
    }
}

static inline void store(void *out, int64_t at, const float *restrict in, int64_t size, int narrow) {
    if (narrow) {
        bf16 *restrict y = (bf16 *)out + at;
        for (int64_t i = 0; i < size; i++) y[i] = round_to_bf16(in[i]);
    } else {
        memcpy((float *)out + at, in, size * sizeof(float));
    }
}

static inline float sigmoid(float x) { return 1.0f / (1.0f + exponential(-x)); }

static inline float hyperbolic_tangent(float x) { return 2.0f * sigmoid(2.0f * x) - 1.0f; }

#endif
