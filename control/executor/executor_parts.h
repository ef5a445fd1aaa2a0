/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the executor share. */
#ifndef QBID_CONTROL_EXECUTOR_EXECUTOR_PARTS_H
#define QBID_CONTROL_EXECUTOR_EXECUTOR_PARTS_H

#include "control/executor/executor.h"

/* Recommendations in one piece. */
struct qbid_executor_list {
    struct qbid_recommendation *item;
    uint32_t cnt, max;
};

/** Collect what a filter finds. NOMEM, STORE. Release with free(list->item). */
int qbid_executor_list_load(const struct qbid_executor *x,
                            const struct qbid_recommendation_filter *filter,
                            struct qbid_executor_list *list);

/** One recommendation and its group, which stands or falls together. */
int qbid_executor_bundle(const struct qbid_executor *x, const struct qbid_executor_call *call,
                         uint64_t id, struct qbid_executor_list *list);
/** What they put at stake together. */
int64_t qbid_executor_money(const struct qbid_executor_list *list);
/** Those that nobody decided on in time. */
int qbid_executor_expire(const struct qbid_executor *x, const struct qbid_executor_call *call);

/** Keep the words of a refusal and return err. */
int qbid_executor_refuse(const struct qbid_executor_call *call, int err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/** The same with the store's words. */
int qbid_executor_refuse_store(const struct qbid_executor *x, const struct qbid_executor_call *call,
                               int err);

/** Campaign that an item belongs to; NULL when there is none. */
const struct qbid_campaign_def *qbid_executor_campaign(const struct qbid_account *account,
                                                       enum qbid_item_kind item, uint32_t id);

/** The same, if the caller may know of it. */
const struct qbid_campaign_def *qbid_executor_campaign_seen(const struct qbid_executor *x,
                                                            const struct qbid_executor_call *call,
                                                            enum qbid_item_kind item, uint32_t id);

/** The account as it would be with a proposal's value. PARSE with why, NOMEM. */
int qbid_executor_next(const struct qbid_account *account, const struct qbid_proposal *proposal,
                       uint64_t unix_ns, struct qbid_account *ret_next,
                       char why[QBID_EXECUTOR_WHY_MAX]);

/** Share by which a proposal changes a number; 1 for what is no number. */
double qbid_executor_change_share(const struct qbid_proposal *proposal);
/** The item is there, and has the value that the proposal goes from. NOENT, STALE, NOMEM. */
int qbid_executor_value_check(const struct qbid_executor *x, const struct qbid_executor_call *call,
                              const struct qbid_proposal *proposal);

/** Refuse what may not be applied as things are: held, stale, over the limit of one change. */
int qbid_executor_check(const struct qbid_executor *x, const struct qbid_executor_call *call,
                        const struct qbid_recommendation *r);

/** Refuse a way back to `next` that would change what is held, or leave a budget less than what is
 *  spent or bid of it. BUSY for both: it may be possible later. */
int qbid_executor_back_check(const struct qbid_executor *x, const struct qbid_executor_call *call,
                             const struct qbid_account *next, const struct qbid_diff *diff);

/** Apply these as one execution; they are known to be allowed. */
int qbid_executor_run(const struct qbid_executor *x, const struct qbid_executor_call *call,
                      const struct qbid_executor_list *list,
                      struct qbid_executor_effect *ret_effect);

/** Money moved by recommendations in the last 24 h. */
int qbid_executor_moved(const struct qbid_executor *x, uint64_t unix_ns, int64_t *ret_nanos);

enum qbid_executor_back {
    QBID_EXECUTOR_BACK_DONE,
    QBID_EXECUTOR_BACK_WAITS, /* as something is held, or a budget has been spent too far */
    QBID_EXECUTOR_BACK_NEVER  /* as a person has set one of its budgets since, or not alone */
};

/**
 * Take back one execution without a person. Unless it is done, why is in call->refusal, and nothing
 * was changed.
 *
 * Returns: 0; an error of the store or of the host.
 */
int qbid_executor_take_back(const struct qbid_executor *x, const struct qbid_executor_call *call,
                            uint64_t execution, enum qbid_executor_back *ret_back);

/** Watch the campaigns of an execution's recommendations. */
int qbid_executor_guards_add(const struct qbid_executor *x, const struct qbid_executor_call *call,
                             const struct qbid_executor_list *list, uint64_t execution);
/** Trials and successes of a guard's metric. */
void qbid_executor_metric(const struct qbid_stats *stats, const char *metric, uint64_t *ret_trials,
                          uint64_t *ret_successes);

/** Tell the library of patterns what an execution did, now that it is over: for each guard the log
 * of its metric after against the day before. Of a campaign where it changed several things nothing
 * is told. STORE. */
int qbid_executor_effects_tell(const struct qbid_executor *x, const struct qbid_executor_call *call,
                               const struct qbid_store_guard *guards, uint32_t cnt);

/** Take back what made a metric fall. Returns executions made. */
int qbid_executor_guards_tick(const struct qbid_executor *x, const struct qbid_executor_call *call);

#endif
