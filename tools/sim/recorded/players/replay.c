/* SPDX-License-Identifier: Apache-2.0 */
/* The second-price auction of a recorded log, flight by flight. */
#include "tools/sim/recorded/players/replay.h"

#include <math.h>
#include <stddef.h>

uint32_t qbid_recorded_replay_auctions(const struct qbid_recorded_log *log, uint32_t from,
                                       uint32_t to)
{
    uint32_t cnt = 0;
    for (uint32_t i = from; i < to; i++)
        cnt += !log->auction[i].is_case;
    return cnt;
}

static void tally_add(struct qbid_recorded_tally *tally, const struct qbid_recorded_auction *a)
{
    tally->clicks += a->click;
    if (a->is_case)
        return;
    tally->expected += a->value;
    tally->cost += a->price;
    tally->wins++;
}

void qbid_recorded_tally_win(const struct qbid_recorded_auction *auction,
                             struct qbid_recorded_tally *all, struct qbid_recorded_tally *block)
{
    tally_add(all, auction);
    if (block)
        tally_add(block, auction);
}

struct qbid_recorded_tally *qbid_recorded_result_block(const struct qbid_recorded_result *result,
                                                       uint32_t done, uint32_t cnt)
{
    uint64_t at = done < cnt ? done : cnt - 1; /* cases may come behind the last auction */
    return result->block_cnt ? &result->block[at * result->block_cnt / cnt] : NULL;
}

void qbid_recorded_result_clear(struct qbid_recorded_result *result)
{
    result->all = (struct qbid_recorded_tally){0};
    for (uint32_t b = 0; b < result->block_cnt; b++)
        result->block[b] = (struct qbid_recorded_tally){0};
}

/* One auction; returns what it cost. */
static double auction_play(const struct qbid_recorded_auction *a,
                           const struct qbid_recorded_player *player, double budget_left,
                           uint32_t left, struct qbid_recorded_tally *all,
                           struct qbid_recorded_tally *block)
{
    double bid = player->bid(player->self, a->value, budget_left, left);
    int won = fmin(bid, budget_left) >= a->price;
    if (won)
        qbid_recorded_tally_win(a, all, block);
    if (a->is_case)
        return 0;
    if (player->tell)
        player->tell(player->self, a->value, bid, won, won ? a->price : 0);
    return won ? a->price : 0;
}

void qbid_recorded_replay(const struct qbid_recorded_flights *flights,
                          const struct qbid_recorded_player *player,
                          struct qbid_recorded_result *ret_result)
{
    const struct qbid_recorded_log *log = flights->log;
    uint32_t all = qbid_recorded_replay_auctions(log, flights->from, flights->to);
    uint32_t episode = flights->episode ? flights->episode : all, left = 0, done = 0;
    double budget_left = 0;
    qbid_recorded_result_clear(ret_result);
    for (uint32_t i = flights->from; i < flights->to; i++) {
        const struct qbid_recorded_auction *a = &log->auction[i];
        if (left == 0 && done < all) {
            left = all - done < episode ? all - done : episode;
            budget_left = flights->budget * left / all;
            player->start(player->self, budget_left, left);
        }
        budget_left -= auction_play(a, player, budget_left, left ? left : 1, &ret_result->all,
                                    qbid_recorded_result_block(ret_result, done, all));
        done += !a->is_case;
        left -= !a->is_case && left > 0;
    }
}
