/* The entropy domain: random bytes that never repeat, whatever dies or is rolled back.
 *
 * Protocol. The generator's key lives in scratch memory only, never in the home region: a rollback would bring an
 * old key back and with it bytes that were already given out. Every start begins with no key and seeds a new one
 * from the CPU's generator (RDRAND, Intel SDM volume 1 section 7.3.17) and the time stamp counter; an abort leaves
 * scratch as it is, so a request that is issued again gets other bytes than its first, undelivered, issue. */
#include "rt/rt.h"
#include "domain.h"
#include "contracts/entropy_server.h"
#include "chacha.h"

#define RDRAND_ATTEMPTS 10u /* of one word; the manual calls ten failures in a row a broken generator */
#define SEED_ROUNDS 4u      /* of 256 bits */
#define CPUID_FEATURES 1u
#define CPUID_ECX_RDRAND (1u << 30)

static struct generator generator;
static bool is_seeded;

static bool cpu_has_rdrand(void)
{
	uint32_t a = CPUID_FEATURES, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return c & CPUID_ECX_RDRAND;
}

static bool rdrand_word(uint64_t *out)
{
	for (uint32_t attempt = 0; attempt < RDRAND_ATTEMPTS; attempt++) {
		uint64_t value;
		bool is_valid;

		__asm__ volatile("rdrand %0" : "=r"(value), "=@ccc"(is_valid));
		if (is_valid) {
			*out = value;
			return true;
		}
		__builtin_ia32_pause();
	}
	return false;
}

/* 256 bits from the CPU, the counter added so that a generator which repeats itself still gives another seed. */
static bool seed_mix(void)
{
	uint32_t input[CHACHA_KEY_WORDS];

	for (uint32_t i = 0; i < CHACHA_KEY_WORDS; i += 2) {
		uint64_t word;

		if (!rdrand_word(&word))
			return false;
		word += __builtin_ia32_rdtsc();
		input[i] = (uint32_t)word;
		input[i + 1] = (uint32_t)(word >> 32);
	}
	generator_mix(&generator, input);
	return true;
}

/* Without a source the domain starts all the same and refuses requests: its clients can say what is missing. */
zog_status_t domain_start(struct zog_call *call)
{
	(void)call;
	is_seeded = cpu_has_rdrand();
	for (uint32_t round = 0; round < SEED_ROUNDS && is_seeded; round++)
		is_seeded = seed_mix();
	if (!is_seeded)
		rt_log(RT_WARN, "no source of randomness: the CPU's RDRAND is missing or broken");
	return ZOG_OK;
}

zog_status_t entropy_random_serve(struct zog_call *call, uint64_t count, void *data, size_t data_size, size_t *data_length)
{
	(void)call;
	if (count > data_size)
		return ZOG_ERR_ARGUMENT;
	/* Fresh input for every request bounds what a stolen key is worth. */
	if (!is_seeded || !seed_mix())
		return ZOG_ERR_NO_DEVICE;
	generator_take(&generator, data, count);
	*data_length = count;
	return ZOG_OK;
}
