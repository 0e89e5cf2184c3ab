/* A function: measuring its BARs, stopping it, its interrupt.
 *
 * Measuring a BAR destroys its contents for a moment. So it is done once only, and what the firmware had put there is
 * committed first (FUNCTION_SIZING): killed in between, the next start puts it back.
 *
 * pci has no device windows by right. For the MSI-X table and for the reset of a virtio device it attaches the BAR to
 * itself, each time anew, so that nothing depends on what an earlier life had mapped. */
#include "function.h"
#include "base/mmio.h"
#include "rt/rt.h"

#define BAR_IO 1u
#define BAR_TYPE_MASK 6u
#define BAR_TYPE_64 4u
#define BAR_FLAGS 0xfull

/* What the core accepts as a device window: the hole below 4 GiB without the interrupt controllers, or above it. An
 * attach outside would end this domain, so a device's word must not get that far. */
#define WINDOW_BYTES_MAX 0x200000ull
#define WINDOW_FIRST 0x80000000ull
#define WINDOW_LOW_END 0xfec00000ull
#define WINDOW_HIGH_FIRST 0xff000000ull
#define WINDOW_END (1ull << 46)

#define WINDOW_MSIX 0u /* own windows */
#define WINDOW_VIRTIO 1u
#define VIRTIO_STATUS 20u /* device_status in struct virtio_pci_common_cfg */
#define RESET_LIMIT_NS 50000000ull

#define MSIX_ENTRY_BYTES 16u
enum msix_entry { MSIX_ADDRESS = 0, MSIX_ADDRESS_HIGH = 4, MSIX_DATA = 8, MSIX_CONTROL = 12 };
#define MSIX_MASKED 1u
#define MSIX_MESSAGE_CONTROL 2u
#define MSIX_ENABLE 0x8000u
#define MSIX_FUNCTION_MASK 0x4000u
enum msi_register { MSI_CONTROL = 2, MSI_ADDRESS_LOW = 4, MSI_ADDRESS_HIGH = 8, MSI_DATA_32 = 8, MSI_DATA_64 = 12 };
#define MSI_ENABLE 1u
#define MSI_COUNT_MASK 0x70u
#define MESSAGE_ADDRESS 0xfee00000u /* to the local APIC with id 0, fixed delivery, edge */
#define MESSAGE_BY_HANDLE 0x10u     /* or, behind an IOMMU, by an entry of its table (VT-d specification 5.1.2.2) */

static uint8_t bar_register(uint32_t bar)
{
	return (uint8_t)(CONFIG_BAR + 4 * bar);
}

/* The size mask of the BAR register(s): writes all ones, reads what sticks. */
static uint64_t bar_mask_read(pci_address_t address, uint32_t bar, bool is_64)
{
	uint64_t mask = 0xffffffff00000000ull;

	config_write(address, bar_register(bar), 4, 0xffffffffu);
	mask |= config_read(address, bar_register(bar), 4);
	if (is_64) {
		config_write(address, bar_register(bar + 1), 4, 0xffffffffu);
		mask = (uint32_t)mask | (uint64_t)config_read(address, bar_register(bar + 1), 4) << 32;
	}
	return mask & ~BAR_FLAGS;
}

static bool range_is_device(uint64_t physical, uint64_t bytes)
{
	return physical >= WINDOW_FIRST && physical < WINDOW_END
		&& (physical + bytes <= WINDOW_LOW_END || physical >= WINDOW_HIGH_FIRST);
}

/* A window is mapped in whole pages: a smaller BAR would show its driver the neighbour's registers. */
static bool bar_is_usable(uint64_t physical, uint64_t bytes)
{
	return bytes >= ZOG_PAGE_SIZE && bytes <= WINDOW_BYTES_MAX && (bytes & (bytes - 1)) == 0
		&& physical % bytes == 0 && range_is_device(physical, bytes);
}

static void bars_size(struct function *function)
{
	for (uint32_t bar = 0; bar < BAR_COUNT; bar++) {
		uint32_t saved = function->bar_saved[bar];
		bool is_64 = (saved & BAR_TYPE_MASK) == BAR_TYPE_64 && bar + 1 < BAR_COUNT;

		if (saved & BAR_IO)
			continue;
		uint64_t mask = bar_mask_read(function->address, bar, is_64);
		uint64_t physical = saved & ~BAR_FLAGS, bytes = ~mask + 1;

		if (is_64)
			physical |= (uint64_t)function->bar_saved[bar + 1] << 32;
		if (bar_is_usable(physical, bytes)) {
			function->bar_physical[bar] = physical;
			function->bar_bytes[bar] = bytes;
		} else if ((uint32_t)mask || saved) {
			rt_log(RT_WARN, "%x: BAR %u at 0x%lx, 0x%lx bytes, cannot be a window", function->address,
				bar, physical, bytes);
		}
		bar += is_64;
	}
}

void function_bars_restore(const struct function *function)
{
	for (uint32_t bar = 0; bar < BAR_COUNT; bar++)
		config_write(function->address, bar_register(bar), 4, function->bar_saved[bar]);
}

/* Fills the record. Afterwards the function neither decodes nor masters the bus. */
void function_measure(struct function *function, pci_address_t address)
{
	uint8_t config[CONFIG_BYTES];

	function_master_off(address);
	config_write(address, CONFIG_COMMAND, 2, COMMAND_INTX_OFF);
	*function = (struct function){ .state = FUNCTION_SIZING, .address = address };
	for (uint32_t bar = 0; bar < BAR_COUNT; bar++)
		function->bar_saved[bar] = config_read(address, bar_register(bar), 4);
	rt_commit();
	bars_size(function);
	function_bars_restore(function);
	config_copy(address, config);
	function->has_msix = msix_layout_parse(config, function->bar_bytes, &function->msix);
	msi_layout_parse(config, &function->msi);
	function->is_virtio = virtio_layout_parse(config, function->bar_bytes, &function->virtio);
	function->state = FUNCTION_KNOWN;
}

/* True when the function can no longer reach memory: it says so itself, or it is gone. */
bool function_master_off(pci_address_t address)
{
	uint32_t command = config_read(address, CONFIG_COMMAND, 2);

	config_write(address, CONFIG_COMMAND, 2, command & ~(uint32_t)COMMAND_MASTER);
	return !(config_read(address, CONFIG_COMMAND, 2) & COMMAND_MASTER)
		|| config_read(address, CONFIG_VENDOR, 2) == CONFIG_VENDOR_NONE;
}

static uintptr_t own_window(const struct function *function, uint32_t window, uint32_t bar)
{
	rt_assert(bar < BAR_COUNT && function->bar_bytes[bar]);
	rt_stage(ZOG_OP_DEVICE_ATTACH, CAP_BUS, SELF_DOMAIN, window, function->bar_physical[bar],
		function->bar_bytes[bar], 0);
	rt_commit();
	return ZOG_MMIO_BASE + window * ZOG_MMIO_STRIDE;
}

/* Resets the device the way its kind allows. Needs memory decoding only, which it switches on. Only virtio devices
 * have a way that is known here; others are given the time that their manifest says (domain_quiesce). */
void function_reset(const struct function *function)
{
	uint64_t end_ns = rt_now_ns() + RESET_LIMIT_NS;

	if (!function->is_virtio)
		return;
	config_write(function->address, CONFIG_COMMAND, 2, COMMAND_MEMORY | COMMAND_INTX_OFF);
	uintptr_t status = own_window(function, WINDOW_VIRTIO, function->virtio.common.window)
		+ function->virtio.common.offset + VIRTIO_STATUS;

	mmio_write8(status, 0);
	while (mmio_read8(status) != 0) {
		if (rt_now_ns() > end_ns) {
			rt_log(RT_WARN, "%x: the device does not finish its reset", function->address);
			return;
		}
		__asm__ volatile("pause");
	}
}

struct message {
	uint32_t address, data;
};

/* The core's entries stand at their vectors, and each takes messages of its own device only. */
static struct message message_make(uint32_t vector)
{
	if (rt_info()->iommu & ZOG_IOMMU_INTERRUPTS)
		return (struct message){ MESSAGE_ADDRESS | MESSAGE_BY_HANDLE | vector << 5, 0 };
	return (struct message){ MESSAGE_ADDRESS, vector };
}

static void msi_program(const struct function *function, uint32_t vector)
{
	struct message message = message_make(vector);
	uint8_t at = function->msi.capability;
	uint32_t control = config_read(function->address, (uint8_t)(at + MSI_CONTROL), 2) & ~(MSI_ENABLE | MSI_COUNT_MASK);

	config_write(function->address, (uint8_t)(at + MSI_CONTROL), 2, control);
	config_write(function->address, (uint8_t)(at + MSI_ADDRESS_LOW), 4, message.address);
	if (function->msi.is_64)
		config_write(function->address, (uint8_t)(at + MSI_ADDRESS_HIGH), 4, 0);
	config_write(function->address, (uint8_t)(at + (function->msi.is_64 ? MSI_DATA_64 : MSI_DATA_32)), 2, message.data);
	config_write(function->address, (uint8_t)(at + MSI_CONTROL), 2, control | MSI_ENABLE);
}

/* Whether it can be made to interrupt. */
bool function_interrupts(const struct function *function)
{
	return function->has_msix || function->msi.capability;
}

/* Entry 0 raises `vector`, all others are masked. Memory decoding must be on. */
static void msix_program(const struct function *function, uint32_t vector)
{
	const struct msix_layout *msix = &function->msix;
	uint8_t control_register = (uint8_t)(msix->capability + MSIX_MESSAGE_CONTROL);
	uint32_t control = config_read(function->address, control_register, 2);
	struct message message = message_make(vector);
	uintptr_t table = own_window(function, WINDOW_MSIX, msix->table.window) + msix->table.offset;

	config_write(function->address, control_register, 2, control | MSIX_ENABLE | MSIX_FUNCTION_MASK);
	for (uint32_t entry = 0; entry < msix->entry_count; entry++)
		mmio_write32(table + entry * MSIX_ENTRY_BYTES + MSIX_CONTROL, MSIX_MASKED);
	mmio_write32(table + MSIX_ADDRESS, message.address);
	mmio_write32(table + MSIX_ADDRESS_HIGH, 0);
	mmio_write32(table + MSIX_DATA, message.data);
	mmio_write32(table + MSIX_CONTROL, 0);
	config_write(function->address, control_register, 2, (control | MSIX_ENABLE) & ~MSIX_FUNCTION_MASK);
}

void function_interrupt_program(const struct function *function, uint32_t vector)
{
	if (function->has_msix)
		msix_program(function, vector);
	else
		msi_program(function, vector);
}

/* Bitmap of the BARs that the driver gets: of a virtio device those with its structures, so that an MSI-X table in a
 * BAR of its own stays with pci; of others all memory BARs. */
uint32_t function_windows(const struct function *function)
{
	uint32_t windows = 0;

	if (function->is_virtio)
		return 1u << function->virtio.common.window | 1u << function->virtio.notify.window
			| 1u << function->virtio.device.window;
	for (uint32_t bar = 0; bar < BAR_COUNT; bar++)
		windows |= (uint32_t)(function->bar_bytes[bar] != 0) << bar;
	return windows;
}
