/* Publication and reuse of a large object's buffers (core/tsm/object.c, object_commit.c).
 *
 * A writer fills its buffer in two steps, commits, and gets another buffer as soon as one is left; it may be killed while
 * it writes, and a store of it that is under way on another CPU may still come until its mapping is gone. An exception in
 * ring 0 may cut the commit anywhere; the recovery does its phase again. A reader's invocations look at the word, and
 * read both halves of the buffer it names at any later moment before they end. Guaranteed: the halves belong to one commit
 * that the check has let through; a writer that waits for a buffer gets one when the reader has left. */
#include "mutant.pml"
#define MUTANT_NO_GRACE 1               /* any buffer that is not published is taken */
#define MUTANT_RETIRE_BEFORE_WORD 2     /* who is inside is noted before readers find the new buffer */
#define MUTANT_WINDOW_STAYS 3
#define MUTANT_CHECK_BEFORE_CLOSE 4
#define MUTANT_WORD_BEFORE_CHECK 5
#define MUTANT_TAKE_TWICE 6             /* the recovery begins anew, and retires what it has just published */
#define MUTANT_NEVER_LOOKS_AGAIN 7      /* a writer without a buffer is not told */

#ifndef COMMITS
#define COMMITS 3
#define READS 3
#define EXCEPTIONS 1
#define BUFFERS 2
#endif
#define NONE 255
#define BROKEN 99

byte half0[BUFFERS], half1[BUFFERS];
byte inside[BUFFERS];    /* the reader's invocation that may use the buffer; 0: none */
byte word, writing = 1;
bool window;             /* the writer's mapping is there */
bool reader_lock;
byte reader_count;       /* of its invocations */
byte phase, exceptions, stray, kills, committed;
byte next_buffer, old;
bool writer_ended;

#define IS_LEFT(b) (inside[b] == 0 || !reader_lock || reader_count != inside[b])
#define IS_FREE(b) (b != word && (mutant == MUTANT_NO_GRACE || IS_LEFT(b)))

inline exception_point() { if :: atomic { exceptions > 0 -> exceptions-- }; goto recover :: true fi }
inline retire(b)
{
	d_step { if :: reader_lock -> inside[b] = reader_count :: else -> inside[b] = 0 fi }
}
inline take()
{
	d_step {
		next_buffer = 0;
		do
		:: next_buffer < BUFFERS && !IS_FREE(next_buffer) -> next_buffer++
		:: else -> break
		od;
		if :: next_buffer < BUFFERS -> writing = next_buffer; window = 1 :: else -> writing = NONE fi;
		next_buffer = 0
	}
}

/* A store of the writer's that another CPU has not finished. */
proctype straggler()
{
	if
	:: atomic { stray > 0 && window && writing != NONE -> stray--; half1[writing] = BROKEN }
	:: true
	fi
}

proctype writer()
{
	byte value;

write:	skip;
	do
	:: committed == COMMITS -> break
	:: committed < COMMITS && writing == NONE ->
		/* Told at a tick, when a buffer is left. */
		atomic { (mutant != MUTANT_NEVER_LOOKS_AGAIN && (IS_FREE(0) || IS_FREE(1))) -> take() }
	:: committed < COMMITS && writing != NONE ->
		value = committed + 1;
		half0[writing] = value;
		if :: atomic { kills > 0 -> kills--; half0[writing] = half0[word]; half1[writing] = half1[word] }; goto write :: true fi;
		half1[writing] = value;
		if :: mutant == MUTANT_CHECK_BEFORE_CLOSE && (half0[writing] != value || half1[writing] != value) -> goto write :: else fi;
		if :: mutant == MUTANT_WORD_BEFORE_CHECK -> word = writing :: else fi;
		if :: mutant != MUTANT_WINDOW_STAYS -> window = 0 :: else fi;
		if
		:: mutant != MUTANT_CHECK_BEFORE_CLOSE && (half0[writing] != value || half1[writing] != value) -> window = 1; goto write
		:: else
		fi;
		old = word;
		phase = 0;
act:
		if
		:: phase == 0 ->
			exception_point();
			if :: mutant == MUTANT_RETIRE_BEFORE_WORD -> retire(old) :: else fi;
			word = writing;
			exception_point();
			if :: mutant != MUTANT_RETIRE_BEFORE_WORD -> retire(old) :: else fi;
			exception_point();
			phase = 1
		:: else
		fi;
		exception_point();
		if :: phase == 1 -> take(); exception_point(); phase = 2 :: else fi;
		committed++
	od;
	goto done;
recover:
	if :: mutant == MUTANT_TAKE_TWICE && phase == 1 -> phase = 0; old = word :: else fi;
	goto act;
done:
	writer_ended = 1
}

proctype reader()
{
	byte mine, seen, reads = READS;

	do
	:: reads == 0 || writer_ended -> break
	:: else ->
		atomic { reader_lock = 1; reader_count++ };
		mine = word;
		seen = half0[mine];
		assert(seen != BROKEN);
		assert(half1[mine] == seen);
		if :: assert(half0[mine] == seen) :: true fi;
		reader_lock = 0;
		reads--
	od
}

init
{
	atomic {
		mutant_choose();
		exceptions = EXCEPTIONS;
		stray = 1;
		kills = 1;
		window = 1;
		run writer();
		run reader();
		run straggler()
	}
}
