/* The bus domain: hands devices to the domains whose manifests name them, and takes them away from dead ones.
 *
 * Protocol: a driver calls claim() at each of its starts and gets its device stopped, reset, with decoding, bus
 * mastering and MSI-X entry 0 set up, and its BARs mapped as windows. When a driver dies the core sends QUIESCE:
 * bus mastering goes off first, then the device is reset; only after the answer does the core free its frames or
 * start the driver again.
 *
 * Ordering in claim: the device is reset before it may master the bus, since firmware or an earlier life may have
 * left it running; mastering comes last. Every step is repeated from the beginning when pci dies on the way. */
#include "contracts/bus_server.h"
#include "function.h"
#include "rt/rt.h"

static const struct device_row device_table[] = DEVICE_TABLE;
#define DEVICE_ROWS (sizeof(device_table) / sizeof(device_table[0]))
_Static_assert(DEVICE_ROWS <= FUNCTION_MAX, "one record for each device of the manifests");

/* At entry, before any store, both images of the records in use are equal. What differs was not written by this code. */
static struct home *home_checked(void)
{
	struct home *home = rt_home();

	if (memcmp(home, rt_committed(home), DEVICE_ROWS * sizeof(home->function[0])) != 0)
		rt_fail(ZOG_CAUSE_SCRUB, __LINE__, 0);
	return home;
}

static bool row_find(uint32_t domain, uint32_t *row_out)
{
	for (uint32_t row = 0; row < DEVICE_ROWS; row++) {
		if (device_table[row].domain == domain) {
			*row_out = row;
			return true;
		}
	}
	return false;
}

/* The record of the row's function, measured; NULL when it is not on the bus. */
static struct function *function_get(struct home *home, uint32_t row)
{
	struct function *function = &home->function[row];
	pci_address_t address;

	if (function->state == FUNCTION_KNOWN && function_is_present(&device_table[row], function->address))
		return function;
	if (!function_scan(&device_table[row], &address))
		return NULL;
	function_measure(function, address);
	rt_log(RT_INFO, "%x is domain %u's%s", address, device_table[row].domain,
		function->is_virtio ? ", virtio" : "");
	return function;
}

static void windows_attach(const struct function *function, uint32_t domain, uint32_t windows)
{
	for (uint32_t bar = 0; bar < BAR_COUNT; bar++) {
		if (windows & 1u << bar)
			rt_stage(ZOG_OP_DEVICE_ATTACH, CAP_BUS, domain, bar, function->bar_physical[bar],
				function->bar_bytes[bar], 0);
	}
}

zog_status_t bus_claim_serve(struct zog_call *call, uint64_t *windows)
{
	struct home *home = home_checked();
	uint32_t row;

	if (!row_find(call->client_domain, &row))
		return ZOG_ERR_DENIED;
	struct function *function = function_get(home, row);

	if (!function)
		return ZOG_ERR_NO_DEVICE;
	if (!function->has_msix && device_table[row].vector) {
		rt_log(RT_ERROR, "%x has no MSI-X to interrupt domain %u with", function->address,
			call->client_domain);
		return ZOG_ERR_NO_DEVICE;
	}
	function_master_off(function->address);
	function_reset(function);
	config_write(function->address, CONFIG_COMMAND, 2, COMMAND_MEMORY | COMMAND_INTX_OFF);
	if (device_table[row].vector)
		function_msix_program(function, device_table[row].vector);
	*windows = function_windows(function);
	windows_attach(function, call->client_domain, (uint32_t)*windows);
	rt_stage(ZOG_OP_DEVICE_RESUMED, CAP_BUS, call->client_domain, 0, 0, 0, 0);
	config_write(function->address, CONFIG_COMMAND, 2, COMMAND_MEMORY | COMMAND_MASTER | COMMAND_INTX_OFF);
	return ZOG_OK;
}

static uint64_t place_word(const struct window_place *place)
{
	return (uint64_t)place->window << 32 | place->offset;
}

zog_status_t bus_virtio_serve(struct zog_call *call, uint64_t *common, uint64_t *notify, uint64_t *device,
	uint64_t *notify_multiplier)
{
	struct home *home = home_checked();
	uint32_t row;

	if (!row_find(call->client_domain, &row))
		return ZOG_ERR_NO_DEVICE;
	const struct function *function = &home->function[row];

	if (function->state != FUNCTION_KNOWN || !function->is_virtio)
		return ZOG_ERR_NO_DEVICE;
	*common = place_word(&function->virtio.common);
	*notify = place_word(&function->virtio.notify);
	*device = place_word(&function->virtio.device);
	*notify_multiplier = function->virtio.notify_multiplier;
	return ZOG_OK;
}

/* Puts back BARs whose measuring was cut. */
zog_status_t domain_start(struct zog_call *call)
{
	struct home *home = home_checked();

	(void)call;
	for (uint32_t row = 0; row < DEVICE_ROWS; row++) {
		struct function *function = &home->function[row];

		if (function->state != FUNCTION_SIZING)
			continue;
		function_bars_restore(function);
		function->state = FUNCTION_ABSENT;
	}
	return ZOG_OK;
}

/* A function that was never claimed was never driven: bus mastering off is all it needs. */
zog_status_t domain_quiesce(struct zog_call *call)
{
	struct home *home = home_checked();
	uint32_t row;

	if (call->word[0] >= DOMAIN_COUNT || !row_find((uint32_t)call->word[0], &row))
		return ZOG_ERR_ARGUMENT;
	const struct function *function = &home->function[row];
	bool is_known = function->state == FUNCTION_KNOWN;
	pci_address_t address = function->address;

	if (!is_known && !function_scan(&device_table[row], &address))
		return ZOG_OK;
	if (!function_master_off(address)) {
		rt_log(RT_ERROR, "%x: bus mastering stays on", address);
		return ZOG_ERR_IO;
	}
	if (is_known && function_is_present(&device_table[row], address))
		function_reset(function);
	return ZOG_OK;
}
