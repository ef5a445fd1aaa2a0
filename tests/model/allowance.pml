/* SPDX-License-Identifier: Apache-2.0 */
/* The money of one budget: qbidd raises limits, workers reserve against them, notices settle or
 * release what was reserved, qbidd dies at any step and a new one goes on from the store. A bid is
 * one unit of money and is billed at one.
 *
 *   worker    fastpath/reserve.h   qbid_lease_valid() and qbid_allowance_reserve(), whose load of the
 *             limit and store of committed are two steps
 *   notices   shm/ring.h           qbid_ring_push(): may come twice, late or not at all, but for one
 *             bid are all bills or all losses, and none comes after the notice time (the worker
 *             refuses it: its window is closed)
 *   control   control/engine/engine_ticks.c  post(), settle() in one transaction with the ring's
 *             position, let_go(), which leaves in the ring what the store refuses; ledger_persist();
 *             qbid_engine_attached(), which skips what was settled
 *             control/ledger/ledger.c  restore(), attach(), detach(), post_former(), post_resolve()
 *             control/ledger/tick.c    slots_sample(), slot_account(), slot_excess(), books_expire(),
 *             rows_store(), and only then raises_apply(), leases_renew()
 *             control/publish/publisher_slot.c  slot_clear(); a slot that was left is not given to
 *             another worker while the process may read it
 *
 * Time is not counted; its order is kept. A lease lapses at any time that its worker is not in the
 * middle of a decision (grace_ns); a bid runs out after its window is closed and its notices are
 * taken from the rings (drained_ns); a hold ends after all leases of the former life have lapsed and
 * all bids of that time have run out. The buckets of control/ledger/tally.h are a lower bound of
 * what is resolved; here it is exact. A bill that a full ring drops is outside: qbidd cannot know
 * of it (shm/ring.h counts it as lost), so it is not counted as money here either.
 *
 * Nothing is ever past the budget: what is charged, plus what may still be charged (bids whose
 * notices may come or lie in a ring, and what workers may still commit). No bid is charged twice:
 * none that is in what the store has as spent is charged again, over all lives. A worker that keeps
 * to its limits is never blocked. The store may refuse each transaction.
 *
 * Searched whole: one life with a worker that is cut off, two lives without; not both at once.
 *
 *   -DSTAY            no connection breaks (for a smaller space)
 *   -DRAISE_FIRST     limits are raised before the store has heard of the exposure
 *   -DNO_HOLD         a new qbidd forgets what was exposed
 *   -DNO_CLEAR        a slot keeps its limits when its worker leaves
 *   -DREUSE           a slot is given away while a living process still reads it
 *   -DNO_RUN_OUT      what a worker that left had not used is free at once
 *   -DUNDRAINED       a bid runs out while its notice lies in a ring
 *   -DFORGET_BILLS    the store does not keep which bids were charged
 *   -DSPENT_ALONE     the ledger's rows are stored without the bids that they hold as charged
 */
#ifndef BIDS
#define BIDS 2
#endif
#ifndef BUDGET
#define BUDGET 1
#endif
#define WORKERS 2
#ifndef SLOTS
#define SLOTS 2
#endif
#ifndef LIVES
#define LIVES 2 /* of qbidd, each with its live page */
#endif
#define NO_SLOT 7

mtype = { BILL, LOSS };
chan ring_0 = [2] of { mtype, byte };
chan ring_1 = [2] of { mtype, byte };

/* live pages */
typedef page_t { byte limit[SLOTS]; bool lease[SLOTS] };
page_t page[LIVES + 1];
byte life; /* of qbidd */

/* a worker */
byte committed[WORKERS];
byte slot[WORKERS];    /* that it reads, in */
byte reads[WORKERS];   /* this life's page; 0 = it has none yet */
bool deciding[WORKERS], alive[WORKERS];

/* a bid */
byte made;
byte owner[BIDS];
bool closed[BIDS];     /* no notice is accepted any more */
mtype fate[BIDS];      /* 0 = no notice yet */
byte notices[BIDS];    /* of it that lie in rings */
bool later[BIDS];      /* made after its worker's first tick in this life of qbidd */
bool former[BIDS];     /* made under the limits of a former life */
bool resolved[BIDS];   /* in this life: billed, lost or run out */
bool charged[BIDS];    /* in what the store has as spent */
bool bill_kept[BIDS];  /* in the store */
bool bill_seen[BIDS];  /* in this life's memory (repeats) */
bool unsaved[BIDS];    /* charged in memory, and the store has not heard of it */

/* the store */
byte store_spent, store_exposure;
bool store_taken[WORKERS]; /* the ring's position is past its first entry */

/* the ledger */
byte spent, hold, exposure;
byte seen[WORKERS], limit[WORKERS];
byte gone_unused[WORKERS]; /* of a worker that left: not yet run out */
bool attached[WORKERS], ticked[WORKERS];
bool held[WORKERS];        /* the first entry of its ring is posted, and the store refused it */
bool known[WORKERS];       /* its uid, in this life: first_ns */
byte taken[SLOTS];         /* by worker + 1 */
byte left_by[SLOTS];       /* worker + 1, while that process may read it */

#define LEASED(w) (reads[w] > 0 && slot[w] < SLOTS && page[reads[w]].lease[slot[w]])
#define PLACE(w) (taken[0] == w + 1 -> 0 : SLOTS - 1)
#define ROOM(w) (page[reads[w]].limit[slot[w]] > committed[w])

/* --- what must hold */

byte x, y, z; /* scratch of the two below; 0 between steps */

/* Charged in the store or in memory, or it may still come. */
inline check_money()
{
    x = 0; y = 0;
    do
    :: x < made ->
       if
       :: charged[x] || bill_seen[x] || bill_kept[x] -> y++
       :: else ->
          if
          :: fate[x] == LOSS -> skip
          :: fate[x] == BILL && notices[x] > 0 -> y++ /* it lies in a ring */
          :: fate[x] == 0 && !closed[x] -> y++        /* it may still come */
          :: else
          fi
       fi;
       x++
    :: else -> break
    od;
    x = 0;
    do
    :: x < WORKERS ->
       if
       :: alive[x] && deciding[x] -> y++; z = 1
       :: else -> z = 0
       fi;
       if
       :: alive[x] && LEASED(x) && page[reads[x]].limit[slot[x]] > committed[x] + z ->
          y = y + page[reads[x]].limit[slot[x]] - committed[x] - z
       :: else
       fi;
       x++
    :: else -> break
    od;
    assert(y <= BUDGET);
    x = 0; y = 0; z = 0
}

/* --- a worker, and the notices that reach it */

proctype worker(byte w; chan ring)
{
    byte b;
    do
    :: d_step { alive[w] && !deciding[w] && made < BIDS && LEASED(w) && ROOM(w) ->
           deciding[w] = true /* the limit is loaded: R2 */
       }
    :: d_step { alive[w] && deciding[w] -> /* C1 */
           deciding[w] = false;
           if
           :: made < BIDS ->
              committed[w]++;
              owner[made] = w;
              later[made] = known[w];
              former[made] = (reads[w] < life);
              if :: gone_unused[w] > 0 -> gone_unused[w]-- :: else fi;
              made++
           :: else
           fi;
           check_money()
       }
    :: d_step { LEASED(w) && !deciding[w] -> page[reads[w]].lease[slot[w]] = false } /* it lapses */
    :: d_step { attached[w] && alive[w] && !deciding[w] && (reads[w] != life || slot[w] != PLACE(w)) ->
           reads[w] = life; /* it adopts the table with its place in it */
           slot[w] = PLACE(w);
           if :: left_by[0] == w + 1 -> left_by[0] = 0 :: else fi; /* qbid_publisher_slot_settle() */
           if :: left_by[SLOTS - 1] == w + 1 -> left_by[SLOTS - 1] = 0 :: else fi
       }
    :: d_step { alive[w] && w == 0 -> alive[w] = false; deciding[w] = false }
    :: atomic { made > 0 -> /* a notice, or the end of its time */
           if
           :: b = 0
           :: made > 1 -> b = 1
           fi;
           if
           :: owner[b] == w && !closed[b] ->
              if
              :: alive[w] && nfull(ring) && notices[b] < 2 ->
                 if
                 :: fate[b] != LOSS -> fate[b] = BILL
                 :: fate[b] != BILL -> fate[b] = LOSS
                 fi;
                 notices[b]++;
                 ring!fate[b](b)
              :: closed[b] = true
              fi
           :: else
           fi;
           b = 0
       }
    od
}

/* --- qbidd */

/* What a notice resolves beyond all that was given is void: authority_trim(). */
#define RESOLVE if :: exposure > 0 -> exposure-- :: else fi

/* qbid_ledger_post(): one outcome, of ingest */
inline post(kind, b)
{
    d_step {
        fresh = false;
        if
        :: kind == BILL && !bill_kept[b] && !bill_seen[b] ->
           if
           :: later[b] && !resolved[b] -> /* post_resolve() */
              resolved[b] = true; RESOLVE; fresh = true
           :: !later[b] && hold > 0 -> hold--; fresh = true /* post_former() */
           :: else /* late: its reservation had run out */
           fi;
           if :: fresh -> assert(!charged[b]); spent++; bill_seen[b] = true; unsaved[b] = true :: else fi
        :: kind == LOSS && later[b] && !resolved[b] -> resolved[b] = true; RESOLVE
        :: else
        fi;
        check_money()
    }
}

/* charges_save(), of one bid */
inline charge(b)
{
    if
    :: unsaved[b] ->
       charged[b] = true;
#ifndef FORGET_BILLS
       bill_kept[b] = true;
#endif
       unsaved[b] = false
    :: else
    fi
}

/* qbid_engine_drain() of one event, and what let_go() does with it: one that was held is not posted
 * again. */
#define DRAIN(w, ring)                                                                   \
    atomic { attached[w] && nempty(ring) ->                                              \
           ring?<kind, b>;                                                               \
           if :: held[w] -> skip :: else -> post(kind, b) fi;                            \
           from = w }                                                                    \
       goto settle

#define POP(w, ring)                                                                     \
    if                                                                                   \
    :: w == from -> ring?kind,b; notices[b]--                                            \
    :: else                                                                              \
    fi

inline attach(w, s)
{
    taken[s] = w + 1;
    attached[w] = true;
    page[life].limit[s] = 0;
    page[life].lease[s] = false;
    from = w
}

/* raises_apply() */
inline raise()
{
    d_step {
        if
        :: given != NO_SLOT ->
           limit[given]++;
           exposure++;
           page[life].limit[PLACE(given)] = limit[given]; /* W2 */
           check_money()
        :: else
        fi
    }
}

#ifdef REUSE
#define FREE(s) (taken[s] == 0)
#else
#define FREE(s) (taken[s] == 0 && (left_by[s] == 0 || !alive[left_by[s] - 1])) /* slot_available() */
#endif

/* It hung up, alive or not. */
inline detach(w)
{
    d_step {
        x = PLACE(w);
        attached[w] = false;
        held[w] = false;
        taken[x] = 0;
        if :: alive[w] -> left_by[x] = w + 1 :: else fi;
#ifndef NO_CLEAR
        page[life].limit[x] = 0; /* slot_clear() */
        page[life].lease[x] = false;
#endif
        x = 0;
        if
        :: ticked[w] && limit[w] > seen[w] ->
#ifdef NO_RUN_OUT
           exposure = exposure - (limit[w] - seen[w])
#else
           gone_unused[w] = gone_unused[w] + limit[w] - committed[w] /* slot_run_out() */
#endif
        :: else
        fi;
        limit[w] = 0;
        seen[w] = 0;
        ticked[w] = false;
        check_money()
    }
}

/* slot_account(): what one worker has committed since the last tick */
inline account(w)
{
    if
    :: !attached[w] -> skip
    :: attached[w] && !ticked[w] ->
       seen[w] = committed[w];
       limit[w] = committed[w];
       ticked[w] = true;
       known[w] = true
    :: else ->
       if
       :: committed[w] > limit[w] && hold > 0 -> /* slot_excess(): limits of the former life */
          hold = hold - (committed[w] - limit[w]);
          exposure = exposure + (committed[w] - limit[w]);
          limit[w] = committed[w]
       :: committed[w] > limit[w] && hold == 0 -> blocked = true; limit[w] = committed[w]
       :: else
       fi;
       seen[w] = committed[w]
    fi
}

/* books_expire(): one bid, and what a worker that left had not used */
#ifdef UNDRAINED
#define IN_RINGS(b) false
#else
#define IN_RINGS(b) (notices[b] > 0)
#endif
inline expire(b)
{
    if
    :: b < made && later[b] && !resolved[b] && closed[b] && !IN_RINGS(b) ->
       resolved[b] = true; RESOLVE
    :: else
    fi
}

inline run_out(w)
{
    if
    :: gone_unused[w] > 0 && !deciding[w] -> exposure = exposure - gone_unused[w]; gone_unused[w] = 0
    :: else
    fi
}

#define FORMER_BID(b) (b < made && (!later[b] || former[b]) && (!closed[b] || notices[b] > 0))
#define FORMER_LEASE(w)                                                                  \
    (reads[w] > 0 && reads[w] < life && alive[w] && (LEASED(w) || deciding[w]))
#define BEHIND(w) (attached[w] && ticked[w] && committed[w] > limit[w])

proctype control()
{
    byte b, from, given;
    mtype kind;
    bool fresh, blocked, hung;
boot:
    skip;
    d_step { /* qbid_ledger_restore() */
        life++;
        spent = store_spent;
#ifdef NO_HOLD
        hold = 0;
#else
        hold = store_exposure;
#endif
        exposure = 0
    }
serve:
    do
    :: DRAIN(0, ring_0)
    :: DRAIN(1, ring_1)
    :: atomic { !attached[0] && alive[0] && FREE(0) -> attach(0, 0) }; goto skip_settled
    :: atomic { !attached[1] && FREE(SLOTS - 1) -> attach(1, SLOTS - 1) }; goto skip_settled
#ifndef STAY
    :: atomic { !hung && attached[0] -> hung = true; detach(0) }
#endif
    :: goto tick
    :: atomic { life < LIVES -> goto die }
    od;

settle: /* one transaction; nothing to settle when nothing was charged */
    if
    :: atomic { unsaved[0] || unsaved[1] ->
           store_spent = spent;
           charge(0); charge(1);
           store_taken[from] = true
       }
    :: atomic { unsaved[0] || unsaved[1] -> /* refused */
           held[from] = true;
           kind = 0; b = 0; from = 0; fresh = false;
           goto serve
       }
    :: else
    fi;
    if
    :: skip /* qbid_ring_advance() */
    :: life < LIVES -> goto die
    fi;
skip_settled: /* qbid_engine_attached(), and the end of let_go() */
    atomic {
        if
        :: fresh || store_taken[from] || kind != 0 -> POP(0, ring_0); POP(1, ring_1)
        :: else
        fi;
        store_taken[from] = false;
        held[from] = false;
        kind = 0; b = 0; from = 0; fresh = false;
        goto serve
    };

tick: /* qbid_ledger_tick() */
    skip;
    d_step {
        given = NO_SLOT;
        expire(0); expire(1);
        run_out(0); run_out(1);
        if
        :: hold > 0 && !FORMER_BID(0) && !FORMER_BID(1) && !FORMER_LEASE(0) &&
           !FORMER_LEASE(1) && !BEHIND(0) && !BEHIND(1) -> hold = 0
        :: else
        fi;
        account(0); account(1);
        assert(!blocked);
        check_money()
    }
    if /* book_plan(): one unit, to whom qbid_grant_bid() or qbid_grant_size() gives it */
    :: spent + hold + exposure < BUDGET && attached[0] && ticked[0] -> given = 0
    :: spent + hold + exposure < BUDGET && attached[1] && ticked[1] -> given = 1
    :: skip
    fi;
    skip;
#ifdef RAISE_FIRST
    raise();
    if
    :: skip
    :: life < LIVES -> goto die
    fi;
    skip;
#endif
    if
    :: d_step { /* rows_store() */
           store_spent = spent;
#ifdef SPENT_ALONE
           if :: unsaved[0] -> charged[0] = true :: else fi;
           if :: unsaved[1] -> charged[1] = true :: else fi;
#else
           charge(0); charge(1); /* ledger_persist() */
#endif
           store_exposure = hold + exposure;
#ifndef RAISE_FIRST
           if :: given != NO_SLOT -> store_exposure++ :: else fi
#endif
       }
    :: given = NO_SLOT /* refused: nothing is raised */
    fi;
    if
    :: skip
    :: life < LIVES -> goto die
    fi;
    skip;
#ifndef RAISE_FIRST
    raise();
#endif
    d_step { /* leases_renew() */
        if :: attached[0] && ticked[0] -> page[life].lease[PLACE(0)] = true :: else fi;
        if :: attached[1] && ticked[1] -> page[life].lease[PLACE(1)] = true :: else fi;
        given = 0;
        check_money()
    }
    goto serve;

die: /* its memory is lost; workers go on with the page of this life */
    skip;
    d_step {
        attached[0] = false; attached[1] = false;
        ticked[0] = false; ticked[1] = false;
        known[0] = false; known[1] = false;
        seen[0] = 0; seen[1] = 0; limit[0] = 0; limit[1] = 0;
        gone_unused[0] = 0; gone_unused[1] = 0;
        taken[0] = 0; taken[SLOTS - 1] = 0; left_by[0] = 0; left_by[SLOTS - 1] = 0;
        later[0] = false; later[1] = false;
        resolved[0] = false; resolved[1] = false;
        bill_seen[0] = false; bill_seen[1] = false;
        unsaved[0] = false; unsaved[1] = false; held[0] = false; held[1] = false;
        kind = 0; b = 0; from = 0; fresh = false; given = 0
    }
    goto boot
}

init
{
    atomic {
        slot[0] = NO_SLOT; slot[1] = NO_SLOT;
        alive[0] = true; alive[1] = true;
        run worker(0, ring_0);
        run worker(1, ring_1);
        run control()
    }
}
