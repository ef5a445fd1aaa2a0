/* SPDX-License-Identifier: Apache-2.0 */
/* Publishing in two steps: qbidd sends an image ahead (STAGE), each process maps and verifies it and
 * says so (READY), then a small COMMIT makes all of them swap. qbidd dies at any step, also between
 * the two, and comes again, from a store that may be old.
 *
 *   control   control/publish/publisher_image.c   qbid_publisher_image_stage(), _tick(), commit(),
 *             _greet(); publisher_client.c   READY, REFUSED, RELEASED
 *   watcher   shm/watcher_link.c    on_live(), qbid_watcher_link_advance(), _close()
 *             shm/watcher_stage.c   qbid_watcher_stage_add(), _commit(), _forget(), stage_drop(),
 *             stage_adopt()
 *   stager    shm/watcher_stage.c   qbid_watcher_stage_run(), finish(), choose(), check_order()
 *   publish   shm/watcher.c         qbid_watcher_publish(), with the lock held
 *   reader    shm/watcher.c         qbid_watcher_read_lock(), qbid_watcher_read_unlock()
 *
 * One process is modelled whole; of a second one only what qbidd hears of it, which is nothing or
 * READY, at any time. The grace period is an abstract one (the reader that was inside has left):
 * that the real one is, swap.pml shows. READY, REFUSED and RELEASED arrive at once: later is not
 * different from a deadline that comes sooner. A reader may stand still for ever.
 *
 * No reader touches what is unmapped; what it gets was verified and was committed; generations never
 * go back, and one generation is one image; nothing stays mapped but what is used, gathered or staged;
 * there is always room for a STAGE; once all is said the process uses what qbidd committed last, if
 * it could, and nothing else counts as held.
 *   ltl goes_on   qbidd comes to the end of its work, whoever stands still
 *   ltl adopts    so does the watcher, if its readers do not stand still
 *
 *   -DNO_GRACE      the watcher does not wait for its reader
 *   -DEARLY         COMMIT swaps an image in that is not verified yet
 *   -DKEEP          what is staged outlives a hang-up
 *   -DNO_REPLACE    a newer STAGE leaves an older one without COMMIT where it is
 *   -DNO_ORDER      an image of an older generation is taken
 *   -DNO_DEADLINE   qbidd commits only when all are ready
 *   -DFORGET_COMMIT a COMMIT that comes before READY is not remembered
 */
#ifndef IMAGES
#define IMAGES 3 /* that qbidd makes, over all its lives; by number, 0 = none */
#endif
#ifndef EPOCHS
#define EPOCHS 2 /* lives of qbidd */
#endif
#define FAULTY 3 /* an image that the stager refuses */
#ifndef HELD_MAX
#define HELD_MAX 2 /* QBID_PUBLISHER_HELD_MAX */
#endif
#define STAGES_MAX 3 /* QBID_STAGES_MAX */

mtype = { LIVE, STAGE, COMMIT, HANGUP };
mtype = { NONE, SENT, NEVER };
mtype = { WAITING, WORKING, VERIFIED };

chan link = [8] of { mtype, byte }; /* from qbidd to the watcher */
bool hello;     /* the watcher is connected to this life of qbidd */
bool greeted;   /* which has noticed */
byte epoch;     /* of qbidd; 0 = it does not run yet */
byte held;      /* generations, one bit each, that were sent and not given back */
bool control_done;
byte shown;             /* qbidd's current image, 0 = none */
byte staged;            /* and the one it has sent ahead */
mtype awaited = NONE;   /* SENT: the process has said nothing of it */

byte gen_of[IMAGES + 1];
bool committed[IMAGES + 1];
bool verified[IMAGES + 1];
byte refs[IMAGES + 1]; /* 0 = unmapped */

byte now_image, next_image;
typedef stage_t { mtype state; bool committed; bool dropped; bool silent; byte image };
stage_t stage[STAGES_MAX];
byte stage_cnt, staged_image; /* the last STAGE of this connection, 0 = none */
bool lock, up, settled, live;
bool due;           /* qbid_watcher_link_advance() has found a reason to publish */

bool inside; /* the reader */
bool reader_left;   /* and it has been outside since the last W1 */
byte holds;           /* the image that it has loaded, plus 1 */
bool stopped;
bool said;

#define HOLD(i) if :: i != 0 -> refs[i]++ :: else fi
#define DROP(i) if :: i != 0 -> assert(refs[i] > 0); refs[i]-- :: else fi
#define BIT(i) (1 << gen_of[i])
#define TALKS (hello && up) /* what the watcher sends is heard by this life of qbidd */

/* --- the ad server: a thread that decides */

active proctype reader()
{
    do
    :: inside = true;
       d_step {
           holds = now_image + 1; /* R1: the table's image */
           assert(now_image == 0 || refs[now_image] > 0)
       }
       if
       :: skip
       :: stopped = true;
end_stopped:
          false
       fi;
       d_step {
           assert(holds == 1 || refs[holds - 1] > 0);
           holds = 0;
           inside = false; /* W2 */
           reader_left = true
       }
    od
}

/* --- the ad server: steps of both its threads, with the lock held */

/* qbid_watcher_link_released() */
inline released(i)
{
    if
    :: TALKS && gen_of[i] != gen_of[now_image] && gen_of[i] != gen_of[next_image] ->
       k = 0;
       do
       :: k < stage_cnt ->
          if
          :: gen_of[stage[k].image] == gen_of[i] && !stage[k].silent -> break
          :: else -> k++
          fi
       :: else -> held = held & ~BIT(i); break
       od;
       k = 0
    :: else
    fi
}

inline stage_remove(at)
{
    j = at;
    do
    :: j + 1 < stage_cnt ->
       stage[j].state = stage[j + 1].state;
       stage[j].committed = stage[j + 1].committed;
       stage[j].dropped = stage[j + 1].dropped;
       stage[j].silent = stage[j + 1].silent;
       stage[j].image = stage[j + 1].image;
       j++
    :: else -> break
    od;
    stage[j].state = 0;
    stage[j].committed = false;
    stage[j].dropped = false;
    stage[j].silent = false;
    stage[j].image = 0;
    stage_cnt--;
    j = 0
}

inline stage_drop(at)
{
    if
    :: stage[at].state == WORKING -> stage[at].dropped = true
    :: else ->
       d = stage[at].image;
       if :: stage[at].state == VERIFIED -> DROP(d) :: else fi;
       stage_remove(at);
       released(d);
       d = 0
    fi
}

inline due_stage(ret) /* qbid_watcher_stage_due() */
{
    k = 0;
    ret = false;
    do
    :: k < stage_cnt -> ret = ret || (stage[k].committed && !stage[k].dropped); k++
    :: else -> break
    od;
    k = 0
}

inline advance() /* qbid_watcher_link_advance() */
{
    due_stage(some);
    due = settled || (up && live && !some);
    some = false
}

inline stage_adopt(at)
{
    d = next_image;
    next_image = stage[at].image;
    if :: stage[at].state != VERIFIED -> HOLD(next_image) :: else fi;
    stage_remove(at);
    if
    :: d != 0 ->
       DROP(d);
       if :: refs[d] == 0 -> released(d) :: else fi
    :: else
    fi;
    d = 0;
    advance()
}

/* qbid_watcher_publish(watcher, &watcher->next); called with the lock, if it is due */
inline publish()
{
    if
    :: due ->
       d_step {
           old = now_image;
           assert(gen_of[next_image] >= gen_of[old]);
           assert(gen_of[next_image] > gen_of[old] || next_image == old);
           assert(next_image == 0 || (verified[next_image] && committed[next_image]));
           now_image = next_image; /* W1 */
           HOLD(now_image);
           settled = true;
           due = false;
           reader_left = !inside
       }
end_grace:
#ifndef NO_GRACE
       reader_left; /* R2 */
#endif
       d_step {
           if
           :: old != 0 ->
              DROP(old);
              if :: refs[old] == 0 -> released(old) :: else fi
           :: else
           fi;
           old = 0
       }
    :: else
    fi;
    d_step { check_refs(); lock = false }
}

inline check_refs()
{
    j = 1;
    do
    :: j <= IMAGES ->
       k = (now_image == j -> 1 : 0) + (next_image == j -> 1 : 0);
       d = 0;
       do
       :: d < stage_cnt -> k = k + (stage[d].image == j && stage[d].state == VERIFIED -> 1 : 0); d++
       :: else -> break
       od;
       assert(refs[j] == k);
       j++
    :: else -> break
    od;
    j = 0; k = 0; d = 0
}

/* --- the ad server: the watcher's thread */

active proctype watcher()
{
    byte n, i, j, k, d, old;
    bool some;
end_idle:
    do
    :: d_step { !lock && !up && epoch > 0 && !hello && empty(link) -> /* connect; WELCOME */
           hello = true;
           up = true
       }
    :: atomic { !lock && link?[LIVE,_] -> link?LIVE,n; /* on_live() */
           lock = true;
           d_step { n = 0; live = true; advance() }
       }
       publish()
    :: atomic { !lock && link?[STAGE,_] -> link?STAGE,n; /* qbid_watcher_stage_add() */
           d_step {
               i = stage_cnt;
               do
               :: i > 0 ->
                  i--;
#ifndef NO_REPLACE
                  if :: !stage[i].committed -> stage_drop(i) :: else fi
#endif
               :: else -> break
               od;
               assert(stage_cnt < STAGES_MAX);
               stage[stage_cnt].state = WAITING;
               stage[stage_cnt].image = n;
               stage_cnt++;
               staged_image = n;
               n = 0;
               check_refs()
           }
       }
    :: atomic { !lock && link?[COMMIT,_] -> link?COMMIT,n; /* qbid_watcher_stage_commit() */
           lock = true;
           d_step {
               assert(gen_of[n] == gen_of[staged_image]); /* else QBID_ERR_PEER */
               i = stage_cnt;
               if
               :: i > 0 && gen_of[stage[i - 1].image] == gen_of[n] && !stage[i - 1].committed &&
                  !stage[i - 1].dropped ->
                  i--;
#ifndef FORGET_COMMIT
                  stage[i].committed = true;
#endif
                  do
                  :: i > 0 && stage[i - 1].state == WAITING -> i--; stage_drop(i)
                  :: else -> break
                  od;
                  if
#ifdef EARLY
                  :: stage[i].state != WORKING -> stage_adopt(i)
#else
                  :: stage[i].state == VERIFIED -> stage_adopt(i)
#endif
                  :: else
                  fi
               :: else /* it was refused, or committed before */
               fi;
               i = 0;
               n = 0
           }
       }
       publish()
    :: atomic { !lock && link?[HANGUP,_] -> link?HANGUP,_; /* qbid_watcher_link_close() */
           d_step {
               staged_image = 0;
               up = false;
#ifndef KEEP
               i = stage_cnt;
               do
               :: i > 0 -> i--; stage[i].silent = true; stage_drop(i) /* _forget() */
               :: else -> break
               od;
#endif
               settled = false;
               live = false;
               DROP(next_image);
               next_image = now_image;
               HOLD(next_image);
               assert(stage_cnt == 0 || (stage_cnt == 1 && stage[0].dropped));
               check_refs()
           }
       }
    od
}

/* --- the ad server: the stager's thread */

active proctype stager()
{
    byte j, k, d, old, image;
    bool some;
end_idle:
    do
    :: d_step { !lock && stage_cnt > 0 && stage[0].state == WAITING ->
           stage[0].state = WORKING;
           image = stage[0].image
       }; /* then without the lock: the point watcher:staging, qbid_part_image(), watcher:staged */
end_lock:
       atomic { !lock -> /* finish() */
           lock = true;
           d_step {
               assert(stage[0].state == WORKING && stage[0].image == image);
               if
               :: stage[0].dropped ->
                  some = stage[0].silent;
                  stage_remove(0);
                  if :: !some -> released(image) :: else fi;
                  some = false
               :: else ->
                  some = image != FAULTY;
#ifndef NO_ORDER
                  some = some && (image == next_image || gen_of[image] > gen_of[next_image]);
#endif
                  if
                  :: some ->
                     verified[image] = true;
                     stage[0].state = VERIFIED;
                     refs[image]++;
                     if /* READY */
                     :: TALKS && awaited == SENT && gen_of[image] == gen_of[staged] -> awaited = NONE
                     :: else
                     fi;
                     if :: stage[0].committed -> stage_adopt(0) :: else fi
                  :: else ->
                     stage_remove(0);
                     if /* REFUSED */
                     :: TALKS ->
                        held = held & ~BIT(image);
                        if
                        :: staged != 0 && gen_of[image] == gen_of[staged] -> awaited = NEVER
                        :: else
                        fi
                     :: else
                     fi;
                     if :: up && !settled -> advance() :: else fi
                  fi
               fi;
               image = 0;
               some = false
           }
       }
       publish()
    od
}

/* --- qbidd */

#define SEND(what, i) assert(nfull(link)); link!what(i)
#define IN(set, g) ((set >> g) & 1)
#define HELD_CNT (IN(held, 1) + IN(held, 2) + IN(held, 3) + IN(held, 4))

/* awaited: SENT, NONE = READY, NEVER = not sent, or refused: it is told of no COMMIT */
active proctype control()
{
    byte made, gen;
    bool other; /* the second process has not said that it is ready */
boot:
    skip;
    d_step {
        epoch++;
        greeted = false;
        held = 0;
        staged = 0;
        awaited = NEVER;
        other = false
    }
    if /* the image file and the store: all that was made, or one too old */
    :: shown = made; gen = gen_of[made]
    :: made > 0 -> shown = 0; gen = gen_of[made] - 1
    fi;
end_serve:
    do
    :: atomic { hello && !greeted -> /* on_hello(), qbid_publisher_image_greet() */
           greeted = true;
           SEND(LIVE, 0);
           if
           :: shown != 0 ->
              SEND(STAGE, shown);
              held = held | BIT(shown);
              committed[shown] = true;
              SEND(COMMIT, shown)
           :: else
           fi;
           if
           :: staged != 0 -> SEND(STAGE, staged); held = held | BIT(staged); awaited = SENT
           :: else
           fi
       }
    :: atomic { made < IMAGES && HELD_CNT < HELD_MAX -> /* qbid_publisher_image_stage() */
           made++;
           gen++;
           gen_of[made] = gen;
           staged = made;
           awaited = NEVER;
           if
           :: greeted -> SEND(STAGE, staged); held = held | BIT(staged); awaited = SENT
           :: else
           fi;
           if
           :: other = true
           :: other = false /* or it is ready at once: it makes no difference when */
           fi
       }
    :: made < IMAGES && HELD_CNT >= HELD_MAX -> made++; gen_of[made] = gen /* refused */
    :: atomic {
#ifdef NO_DEADLINE
           staged != 0 && awaited != SENT && !other ->
#else
           staged != 0 -> /* all are ready, or the time is over */
#endif
           shown = staged; /* commit() */
           staged = 0;
           committed[shown] = true;
           if
           :: awaited != NEVER -> SEND(COMMIT, shown)
           :: else
           fi;
           awaited = NEVER;
           other = false
       }
    :: made == IMAGES && staged == 0 && !control_done -> control_done = true
    :: atomic { epoch < EPOCHS -> /* it dies here, or after any step above */
           if
           :: hello -> assert(nfull(link)); link!HANGUP(0)
           :: else
           fi;
           hello = false;
           control_done = false;
           goto boot
       }
    od
}

/* --- once all is said */

#define QUIET (control_done && TALKS && greeted && empty(link) && !lock && stage_cnt == 0 && settled)

active proctype monitor()
{
end_waits:
    do
    :: atomic { QUIET ->
           assert(now_image == next_image);
           assert(shown == 0 || now_image == shown || shown == FAULTY ||
                  gen_of[shown] <= gen_of[now_image]);
           assert((held & ~BIT(now_image)) == 0);
           said = true
       };
       break
    od
}

ltl goes_on { <> control_done }
ltl adopts { <> (stopped || said) }
