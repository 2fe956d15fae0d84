/* Word vectors with negative sampling: every worker walks through its own words and changes its own copy of the
 * two matrices, one centre word after the other. The definition, slow and in torch, is in word2vec.py.
 */
#include "native.h"

enum { MOST_TARGETS = 64, MOST_WIDTH = 4096 };

/* SplitMix64 (Steele, Lea & Flood 2014): the next of a sequence of 64 random bits. */
static inline uint64_t next_random(uint64_t *state) {
    uint64_t z = (*state += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

/* A word drawn from the noise distribution by the alias method (Walker 1977), from one random number. */
static inline int32_t draw(uint64_t *state, const float *share, const int32_t *alias, int64_t vocab) {
    uint64_t bits = next_random(state);
    int64_t column = (int64_t)(((bits >> 32) * (uint64_t)vocab) >> 32);
    float coin = (float)((bits & 0xffffffffu) >> 8) * (1.0f / 16777216.0f);
    return coin < share[column] ? (int32_t)column : alias[column];
}

/* One step of logistic regression: `hidden` should be near `word` and far from `num_noise` drawn words.
 * The rows of `out` move at once; how `hidden` should move is added to `change`.
 */
static void predict(const float *restrict hidden, float *restrict change, float *restrict out, int32_t word,
                    const int32_t *noise, int64_t num_noise, int64_t width, float lr) {
    int32_t target[MOST_TARGETS];
    float label[MOST_TARGETS], score[MOST_TARGETS];
    int64_t count = 1;
    target[0] = word;
    label[0] = 1.0f;
    for (int64_t i = 0; i < num_noise; i++) {
        if (noise[i] == word) continue;
        target[count] = noise[i];
        label[count++] = 0.0f;
    }
    for (int64_t i = 0; i < count; i++) {
        const float *restrict row = out + (int64_t)target[i] * width;
        float sum = 0.0f;
        for (int64_t d = 0; d < width; d++) sum += hidden[d] * row[d];
        score[i] = sum;
    }
    for (int64_t i = 0; i < count; i++) score[i] = sigmoid(score[i]);
    for (int64_t i = 0; i < count; i++) {
        float *restrict row = out + (int64_t)target[i] * width;
        float step = lr * (label[i] - score[i]);
        for (int64_t d = 0; d < width; d++) {
            change[d] += step * row[d];
            row[d] += step * hidden[d];
        }
    }
}

typedef struct {
    float *in, *out;
    const int32_t *words, *sentences, *reach, *alias;
    const float *share;
    int64_t begin, end, vocab, width, negative;
    float lr;
} slice;

static inline int64_t first_of(const slice *s, int64_t at) {
    int64_t low = at - s->reach[at];
    low = low < s->begin ? s->begin : low;
    while (s->sentences[low] != s->sentences[at]) low++;
    return low;
}

static inline int64_t last_of(const slice *s, int64_t at) {
    int64_t high = at + s->reach[at];
    high = high >= s->end ? s->end - 1 : high;
    while (s->sentences[high] != s->sentences[at]) high--;
    return high;
}

static void skipgram(const slice *s, uint64_t random) {
    float change[MOST_WIDTH];
    int32_t noise[MOST_TARGETS];
    for (int64_t at = s->begin; at < s->end; at++) {
        int64_t low = first_of(s, at), high = last_of(s, at);
        for (int64_t near = low; near <= high; near++) {
            if (near == at) continue;
            float *hidden = s->in + (int64_t)s->words[near] * s->width;
            for (int64_t i = 0; i < s->negative; i++) noise[i] = draw(&random, s->share, s->alias, s->vocab);
            memset(change, 0, s->width * sizeof(float));
            predict(hidden, change, s->out, s->words[at], noise, s->negative, s->width, s->lr);
            for (int64_t d = 0; d < s->width; d++) hidden[d] += change[d];
        }
    }
}

static void cbow(const slice *s, uint64_t random) {
    float change[MOST_WIDTH], hidden[MOST_WIDTH];
    int32_t noise[MOST_TARGETS];
    for (int64_t at = s->begin; at < s->end; at++) {
        int64_t low = first_of(s, at), high = last_of(s, at);
        if (low == high) continue;
        memset(hidden, 0, s->width * sizeof(float));
        memset(change, 0, s->width * sizeof(float));
        for (int64_t near = low; near <= high; near++) {
            if (near == at) continue;
            const float *row = s->in + (int64_t)s->words[near] * s->width;
            for (int64_t d = 0; d < s->width; d++) hidden[d] += row[d];
        }
        float inverse = 1.0f / (float)(high - low);
        for (int64_t d = 0; d < s->width; d++) hidden[d] *= inverse;
        for (int64_t i = 0; i < s->negative; i++) noise[i] = draw(&random, s->share, s->alias, s->vocab);
        predict(hidden, change, s->out, s->words[at], noise, s->negative, s->width, s->lr);
        for (int64_t near = low; near <= high; near++) {
            if (near == at) continue;
            float *row = s->in + (int64_t)s->words[near] * s->width;
            for (int64_t d = 0; d < s->width; d++) row[d] += change[d];
        }
    }
}

/* in, out: (workers, vocab, width). bounds: (workers + 1). Each worker has its own sequence of random numbers. */
void word2vec_block(float *in, float *out, const int32_t *words, const int32_t *sentences, const int32_t *reach,
                    const int64_t *bounds, const float *share, const int32_t *alias, int64_t workers, int64_t vocab,
                    int64_t width, int64_t negative, int64_t seed, int64_t is_cbow, float lr, int narrow, int threads) {
    (void)narrow;
#pragma omp parallel for schedule(static, 1) num_threads(threads)
    for (int64_t k = 0; k < workers; k++) {
        slice s = {in + k * vocab * width, out + k * vocab * width, words, sentences, reach, alias, share,
                   bounds[k], bounds[k + 1], vocab, width, negative, lr};
        uint64_t random = (uint64_t)seed + 0xd1342543de82ef95ull * (uint64_t)k;
        if (is_cbow) cbow(&s, random);
        else skipgram(&s, random);
    }
}

/* Every copy becomes base plus the changes of all copies, and so does base. size: numbers in one copy. */
void word2vec_merge(float *base, float *copies, int64_t workers, int64_t size, int narrow, int threads) {
    (void)narrow;
#pragma omp parallel for num_threads(threads)
    for (int64_t i = 0; i < size; i++) {
        float sum = base[i];
        for (int64_t k = 0; k < workers; k++) sum += copies[k * size + i] - base[i];
        base[i] = sum;
        for (int64_t k = 0; k < workers; k++) copies[k * size + i] = sum;
    }
}
