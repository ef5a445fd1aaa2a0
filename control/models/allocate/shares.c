/* SPDX-License-Identifier: Apache-2.0 */
/* Largest remainders inside boxes. */
#include "control/models/allocate/shares.h"

#include <math.h>

#include "shm/error.h"

/* The k-th largest, k >= 1; reorders. */
static double select_largest(double *x, uint32_t cnt, uint32_t k)
{
    uint32_t first = 0, last = cnt - 1, want = k - 1;
    while (first < last) {
        double pivot = x[first + (last - first) / 2];
        uint32_t i = first, j = last;
        for (;;) {
            while (x[i] > pivot)
                i++;
            while (x[j] < pivot)
                j--;
            if (i >= j)
                break;
            double keep = x[i];
            x[i++] = x[j];
            x[j--] = keep;
        }
        if (want <= j)
            last = j;
        else
            first = j + 1;
    }
    return x[want];
}

static int has_room(const struct qbid_share *share, int64_t unit)
{
    return unit > 0 ? share->micros < share->most : share->micros > share->least;
}

/* How much a share asks for a unit: what rounding took from it so far. */
static double need_of(const struct qbid_share *share, int64_t unit)
{
    return (share->wanted - (double)share->micros) * (double)unit;
}

/* One unit each for the `left` shares of greatest need that have room. Returns how many got one. */
static uint32_t hand_out(struct qbid_share *shares, uint32_t cnt, uint64_t left, int64_t unit,
                         double *scratch)
{
    uint32_t open = 0, given = 0;
    for (uint32_t i = 0; i < cnt; i++)
        if (has_room(&shares[i], unit))
            scratch[open++] = need_of(&shares[i], unit);
    if (open == 0)
        return 0;
    uint32_t take = left < open ? (uint32_t)left : open, above = 0;
    double bar = take < open ? select_largest(scratch, open, take) : -INFINITY;
    for (uint32_t i = 0; i < cnt; i++)
        above += has_room(&shares[i], unit) && need_of(&shares[i], unit) > bar;
    uint32_t ties = take - above;
    for (uint32_t i = 0; i < cnt && given < take; i++) {
        double need = need_of(&shares[i], unit);
        if (!has_room(&shares[i], unit) || need < bar || (need == bar && ties == 0))
            continue;
        ties -= need == bar;
        shares[i].micros += unit;
        given++;
    }
    return given;
}

/* The same amount for each share that has room, as far as it has it. Returns what was given. */
static int64_t spread(struct qbid_share *shares, uint32_t cnt, int64_t gap)
{
    int64_t open = 0, given = 0, unit = gap > 0 ? 1 : -1;
    for (uint32_t i = 0; i < cnt; i++)
        open += has_room(&shares[i], unit);
    int64_t each = open > 0 ? gap / open : 0;
    for (uint32_t i = 0; i < cnt && each != 0; i++) {
        struct qbid_share *share = &shares[i];
        int64_t room = (gap > 0 ? share->most : share->least) - share->micros;
        int64_t step = (each > 0) == (room > each) ? each : room;
        share->micros += step;
        given += step;
    }
    return given;
}

int qbid_shares_round(struct qbid_share *shares, uint32_t cnt, int64_t total, double *scratch)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < cnt; i++) {
        double low = floor(fmax(shares[i].wanted, (double)shares[i].least));
        int64_t micros = low < (double)shares[i].most ? (int64_t)low : shares[i].most;
        shares[i].micros = micros < shares[i].least ? shares[i].least : micros;
        sum += shares[i].micros;
    }
    while (sum != total) {
        int64_t unit = sum < total ? 1 : -1, gap = total - sum;
        int64_t bulk = gap > cnt || -gap > cnt ? spread(shares, cnt, gap) : 0;
        sum += bulk;
        if (bulk != 0)
            continue;
        uint32_t given = hand_out(shares, cnt, (uint64_t)(gap * unit), unit, scratch);
        if (given == 0)
            return QBID_ERR_INVAL;
        sum += unit * given;
    }
    return 0;
}
