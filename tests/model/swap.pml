/* SPDX-License-Identifier: Apache-2.0 */
/* Publishing a table: qbidd seals and sends, the watcher checks, swaps, waits and unmaps, threads of
 * the ad server read; qbidd dies at any step and comes again, from a store that may be old.
 *
 *   control   control/publish/publisher.c   publish: refused at HELD_MAX, fill, seal, send
 *             control/publish/publisher_client.c   on_hello(): live page, then the image
 *   watcher   shm/watcher_link.c   on_welcome(), on_live(), on_image(), check_order(), same_image(),
 *             qbid_watcher_link_close(), advance(), settle()
 *             shm/watcher.c        qbid_watcher_publish()
 *   reader    shm/watcher.c        qbid_watcher_read_lock(), which nests, qbid_watcher_read_unlock()
 *   grace     rcu.pml
 *
 * Left out: that past its deadline any image is better (gen may fall then, by design); workers'
 * pages and slots (allowance.pml); that RELEASED is a message (it arrives at once here: later is
 * only a refusal more). A reader that may stand still for ever does so inside its section, and only
 * one does.
 *
 * No reader touches a table, image or live page that is unmapped, or one that was not sealed; what it
 * finds in its table does not change; its generations never go back, and one generation is one
 * image; nothing stays mapped but what is in use or gathered; qbidd never waits for its readers.
 *   ltl unmapped   what was replaced is unmapped once its readers have left
 *   ltl goes_on    qbidd comes to the end of its work, whoever stands still
 *
 *   -DNO_GRACE, -DONE_PASS, -DSTARVED   see rcu.pml
 *   -DNO_CHECK   an image that is not sealed is taken
 *   -DNO_ORDER   an image of an older generation is taken
 *   -DIN_PLACE   the table is changed under its readers, not replaced
 *   -DBLOCKING   qbidd waits for a generation to be given back instead of refusing
 */
#define READERS 2
#ifndef IMAGES
#define IMAGES 3 /* that qbidd makes, over all its lives; by number, 0 = none */
#endif
#define FAULTY 2   /* the one that may be sent without its seals */
#ifndef EPOCHS
#define EPOCHS 2 /* lives of qbidd; each has its live page */
#endif
#define HELD_MAX 2 /* QBID_PUBLISHER_HELD_MAX */
#define TABLES 2   /* the one in use and the one that replaces it */

#include "rcu.pml"

mtype = { LIVE, IMAGE, HANGUP };
chan link = [5] of { mtype, byte }; /* from qbidd to the watcher */
bool hello;      /* the watcher is connected to this life of qbidd */
byte epoch;      /* of qbidd; 0 = it does not run */
byte held;       /* images sent over this connection and not given back */
bool control_done;

byte gen_of[IMAGES + 1];
bool sealed[IMAGES + 1];
byte image_refs[IMAGES + 1]; /* in the ad server; 0 = unmapped */
byte live_refs[EPOCHS + 1];

typedef table_t { byte image; byte live; byte both; bool freed };
table_t table[TABLES];
byte current;        /* watcher->table */
byte holds[READERS]; /* the table that a reader has loaded and may still use, plus 1 */
bool waiting;        /* between W1 and the end of the unmapping */
#define BOTH(t) (table[t].image * (EPOCHS + 1) + table[t].live)

#define HOLD(refs, i) if :: i != 0 -> refs[i]++ :: else fi
#define DROP(refs, i)                                                                    \
    if :: i != 0 -> assert(refs[i] > 0); refs[i]-- :: else fi

/* --- the ad server: its threads */

/* All that a decision touches, at this moment. */
inline touch(t)
{
    assert(!table[t].freed);
    assert(BOTH(t) == table[t].both);
    assert(table[t].image == 0 || (image_refs[table[t].image] > 0 && sealed[table[t].image]));
    assert(table[t].live == 0 || live_refs[table[t].live] > 0)
}

active [READERS] proctype reader()
{
    bit seen;
    do
    :: READ_LOCK_1(seen);
       READ_LOCK_2(_pid, seen); /* then the point watcher:reading */
       d_step {
           holds[_pid] = current + 1; /* R1 */
           touch(current)
       }
       if
       :: skip
       :: nest[_pid] = 2; /* a section in the section: it may find a newer table */
          d_step { touch(current) }
          nest[_pid] = 1
       :: _pid == 0 -> stopped[_pid] = true;
end_stopped:
          false
       fi;
       d_step {
           touch(holds[_pid] - 1);
           holds[_pid] = 0;
           READ_UNLOCK(_pid) /* W2 */
       }
    od
}

/* --- the ad server: its watcher */

byte now_image, now_live, next_image, next_live;

inline publish() /* qbid_watcher_publish(watcher, &watcher->next) */
{
    d_step {
        old_image = now_image;
        old_live = now_live;
        now_image = next_image;
        now_live = next_live;
        HOLD(image_refs, now_image);
        HOLD(live_refs, now_live);
        old = current;
        waiting = true
    }
#ifdef IN_PLACE
    table[current].image = now_image;
    table[current].live = now_live;
    table[current].both = BOTH(current);
#else
    d_step { /* qbid_bundle_table() */
        fresh = 1 - old;
        table[fresh].image = now_image;
        table[fresh].live = now_live;
        table[fresh].both = BOTH(fresh);
        table[fresh].freed = false;
        assert(gen_of[now_image] >= gen_of[old_image]);
        assert(gen_of[now_image] > gen_of[old_image] || now_image == old_image)
    }
    current = fresh; /* W1; then the point watcher:swapped */
#endif
    grace(); /* R2; then the point watcher:waited */
    d_step {
#ifndef IN_PLACE
        table[old].freed = true; /* qbid_table_free() */
        table[old].image = 0;
        table[old].live = 0;
        table[old].both = 0;
        assert(holds[0] != old + 1 && holds[1] != old + 1);
#endif
        DROP(image_refs, old_image);
        if
        :: old_image != 0 && image_refs[old_image] == 0 && hello && held > 0 -> held-- /* RELEASED */
        :: else
        fi;
        DROP(live_refs, old_live);
        waiting = false;
        fresh = 0; old = 0; old_image = 0; old_live = 0
    }
}

/* Nothing is mapped that is neither used nor gathered. */
inline check_refs()
{
    d_step {
        i = 1;
        do
        :: i <= IMAGES ->
           assert(image_refs[i] == (now_image == i -> 1 : 0) + (next_image == i -> 1 : 0)); i++
        :: else -> break
        od;
        i = 1;
        do
        :: i <= EPOCHS ->
           assert(live_refs[i] == (now_live == i -> 1 : 0) + (next_live == i -> 1 : 0)); i++
        :: else -> break
        od;
        i = 0
    }
}

active proctype watcher()
{
    bool up, settled, take;
    byte n, i, fresh, old, old_image, old_live, todo, noted;
end_idle:
    do
    :: d_step { !up && epoch > 0 && !hello && empty(link) -> /* connect; WELCOME */
           hello = true;
           up = true;
           settled = false;
           DROP(live_refs, next_live);
           next_live = 0
       }
    :: link?LIVE,n -> /* on_live(), advance() */
       d_step { next_live = n; live_refs[n]++; settled = true; n = 0 }
       publish();
       check_refs()
    :: link?IMAGE,n -> /* on_image() */
       d_step {
           take = true;
#ifndef NO_CHECK
           take = take && sealed[n]; /* qbid_part_image() */
#endif
#ifndef NO_ORDER
           take = take && gen_of[n] > gen_of[next_image];
#endif
           /* the same image again is not new, and no refusal; it stays held */
           if
           :: n == next_image -> take = false
           :: !take && n != next_image ->
              if :: hello && held > 0 -> held-- /* REFUSED */ :: else fi
           :: else
           fi;
           if
           :: take ->
              old_image = next_image;
              next_image = n;
              image_refs[n]++;
              DROP(image_refs, old_image);
              if
              :: old_image != 0 && image_refs[old_image] == 0 && hello && held > 0 -> held--
              :: else
              fi;
              old_image = 0
           :: else
           fi;
           n = 0
       }
       if
       :: take && settled -> take = false; publish()
       :: else -> take = false
       fi;
       check_refs()
    :: link?HANGUP,_ -> /* qbid_watcher_link_close(): what was gathered goes */
       d_step {
           DROP(image_refs, next_image);
           DROP(live_refs, next_live);
           next_image = now_image;
           next_live = now_live;
           HOLD(image_refs, next_image);
           HOLD(live_refs, next_live);
           up = false;
           settled = false
       }
       check_refs()
    od
}

/* --- qbidd */

/* It never waits for the peer: the room in the socket is not used up before HELD_MAX is reached. */
#define SEND(what, i) assert(nfull(link)); link!what(i)

active proctype control()
{
    byte made, image, gen;
    bool greeted;
boot:
    skip;
    d_step {
        epoch++;
        greeted = false;
        held = 0
    }
    if /* what the store says was published last: true, or one image too old */
    :: gen = gen_of[image]
    :: gen_of[image] > 0 -> gen = gen_of[image] - 1; image = 0
    fi;
end_serve:
    do
    :: atomic { hello && !greeted -> /* on_hello() */
           greeted = true;
           SEND(LIVE, epoch);
           if
           :: image != 0 -> SEND(IMAGE, image); held++
           :: else
           fi
       }
    :: atomic { made < IMAGES && held < HELD_MAX ->
           made++;
           gen++;
           image = made;
           gen_of[image] = gen
       }
       if
       :: sealed[image] = true
       :: image == FAULTY -> skip /* it can still be written */
       fi;
       atomic {
           if
           :: greeted -> SEND(IMAGE, image); held++
           :: else
           fi;
       }
#ifndef BLOCKING
    :: made < IMAGES && held >= HELD_MAX -> made++ /* refused, an alarm; it goes on */
#endif
    :: made == IMAGES && !control_done -> control_done = true
    :: atomic { epoch < EPOCHS -> /* it dies here, or after any step above */
           if
           :: greeted -> assert(nfull(link)); link!HANGUP(0)
           :: else -> if :: hello -> link!HANGUP(0) :: else fi
           fi;
           hello = false;
           goto boot
       }
    od
}

ltl unmapped { [] (waiting -> <> (!waiting || stopped[0])) }
ltl goes_on { <> control_done }
