/* The bus domain: hands devices to the domains whose manifests name them, and takes them away from dead ones.
 *
 * Protocol: a driver calls claim() at each of its starts and gets its device stopped, reset, with decoding, bus
 * mastering and MSI-X entry 0 set up, and its BARs mapped as windows. When a driver dies the core sends QUIESCE:
 * bus mastering goes off first, then the device is reset or, where it has no reset, waited for; only after the answer
 * does the core free its frames or start the driver again. The IOMMU has closed the device before that.
 *
 * The first start finds the IOMMU and names it to the core, before any device may master the bus. A claim assigns the
 * device to its driver's domain there.
 *
 * Ordering in claim: the device is reset before it may master the bus, since firmware or an earlier life may have
 * left it running; mastering comes last. Every step is repeated from the beginning when pci dies on the way. */
#include "contracts/bus_server.h"
#include "dmar.h"
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

/* Where there is an IOMMU, a device that goes past it is not handed out. */
static bool function_is_confined(const struct home *home, pci_address_t address)
{
	const struct dmar *dmar = &home->dmar;

	if (!(rt_info()->iommu & ZOG_IOMMU_DMA) || dmar->is_for_all)
		return true;
	for (uint32_t i = 0; i < dmar->scope_count; i++) {
		const struct dmar_scope *scope = &dmar->scope[i];

		if (scope->address == address)
			return true;
		if (scope->is_bridge && config_read(scope->address, CONFIG_SECONDARY_BUS, 1) <= (uint32_t)address >> 8
		    && config_read(scope->address, CONFIG_SUBORDINATE_BUS, 1) >= (uint32_t)address >> 8)
			return true;
	}
	rt_log(RT_ERROR, "%x is not behind the IOMMU", address);
	return false;
}

zog_status_t bus_claim_serve(struct zog_call *call, uint64_t *windows)
{
	struct home *home = home_checked();
	uint32_t row;

	if (!row_find(call->client_domain, &row))
		return ZOG_ERR_DENIED;
	struct function *function = function_get(home, row);

	if (!function || !function_is_confined(home, function->address))
		return ZOG_ERR_NO_DEVICE;
	if (!function_interrupts(function) && device_table[row].vector) {
		rt_log(RT_ERROR, "%x has no MSI-X or MSI to interrupt domain %u with", function->address,
			call->client_domain);
		return ZOG_ERR_NO_DEVICE;
	}
	function_master_off(function->address);
	function_reset(function);
	config_write(function->address, CONFIG_COMMAND, 2, COMMAND_MEMORY | COMMAND_INTX_OFF);
	if (device_table[row].vector)
		function_interrupt_program(function, device_table[row].vector);
	*windows = function_windows(function);
	windows_attach(function, call->client_domain, (uint32_t)*windows);
	rt_stage(ZOG_OP_DEVICE_ASSIGN, CAP_BUS, call->client_domain, function->address, 0, 0, 0);
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

/* Once in the machine's life: the core keeps the answer. */
static void iommu_tell(struct home *home)
{
	struct dmar *dmar = &home->dmar;

	if (rt_info()->iommu & ZOG_IOMMU_ASKED)
		return;
	bool is_there = dmar_find(dmar);

	if (is_there && dmar->unit_count != 1) {
		rt_log(RT_WARN, "%u remapping units; one can be used", dmar->unit_count);
		is_there = false;
	}
	rt_stage(ZOG_OP_IOMMU_SET, CAP_BUS, is_there ? dmar->base : 0, is_there ? dmar->ioapic_source : DMAR_NO_SOURCE, 0, 0, 0);
}

/* Puts back BARs whose measuring was cut. */
zog_status_t domain_start(struct zog_call *call)
{
	struct home *home = home_checked();

	iommu_tell(home);
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

/* A device without a reset goes on with what it had begun. It reaches nothing, but it would as soon as its driver claims
 * it again: the answer is held back until the time of the manifest has passed. False: wait. */
static bool function_is_quiet(struct function *function, uint32_t settle_ms)
{
	if (settle_ms == 0 || (function->quiet_ns != 0 && function->quiet_ns <= rt_now_ns())) {
		function->quiet_ns = 0;
		return true;
	}
	if (function->quiet_ns == 0)
		function->quiet_ns = rt_now_ns() + settle_ms * 1000000ull;
	return false;
}

/* A function that was never claimed was never driven: bus mastering off is all it needs. */
zog_status_t domain_quiesce(struct zog_call *call)
{
	struct home *home = home_checked();
	uint32_t row;

	if (call->word[0] >= DOMAIN_COUNT || !row_find((uint32_t)call->word[0], &row))
		return ZOG_ERR_ARGUMENT;
	struct function *function = &home->function[row];
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
	if (!function_is_quiet(function, device_table[row].settle_ms))
		return rt_wait(call, EVENT_SETTLED, rt_event_count(EVENT_SETTLED), function->quiet_ns);
	return ZOG_OK;
}
