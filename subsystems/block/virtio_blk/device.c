/* The virtio block device (virtio 1.x sections 3.1, 4.1 and 5.2) over its PCI transport.
 *
 * Protocol: device_start claims the device from the bus domain, resets it, negotiates features and sets up queue 0
 * in DMA memory; all of that is scratch and repeated at every start. Before a restart the bus domain has switched
 * bus mastering off and reset the device, so nothing of an earlier life writes into the queue. Then device_submit
 * publishes requests and device_collect takes results until it answers DEVICE_NONE.
 *
 * The device is not trusted beyond its DMA: offsets are bounded by the windows, used elements and lengths are
 * checked, and a device that answers what was not asked ends this domain (ZOG_CAUSE_CONTRACT). */
#include "device.h"
#include "base/mmio.h"
#include "contracts/bus_client.h"
#include "domain.h"
#include "rt/rt.h"
#include "vring.h"

#define BLOCK_BYTES 4096u
#define SECTOR_BYTES 512u
#define SECTORS_PER_BLOCK (BLOCK_BYTES / SECTOR_BYTES)
#define RESET_LIMIT_NS 20000000ull

enum virtio_status {
	VIRTIO_ACKNOWLEDGE = 1, VIRTIO_DRIVER = 2, VIRTIO_DRIVER_OK = 4, VIRTIO_FEATURES_OK = 8,
	VIRTIO_NEEDS_RESET = 64, VIRTIO_FAILED = 128,
};
/* struct virtio_pci_common_cfg, section 4.1.4.3 */
enum common_register {
	COMMON_DEVICE_FEATURE_SELECT = 0, COMMON_DEVICE_FEATURE = 4, COMMON_DRIVER_FEATURE_SELECT = 8,
	COMMON_DRIVER_FEATURE = 12, COMMON_MSIX_CONFIG = 16, COMMON_STATUS = 20, COMMON_GENERATION = 21,
	COMMON_QUEUE_SELECT = 22, COMMON_QUEUE_SIZE = 24, COMMON_QUEUE_MSIX_VECTOR = 26, COMMON_QUEUE_ENABLE = 28,
	COMMON_QUEUE_NOTIFY_OFFSET = 30, COMMON_QUEUE_DESCRIPTOR = 32, COMMON_QUEUE_DRIVER = 40,
	COMMON_QUEUE_DEVICE = 48, COMMON_BYTES = 56,
};
#define MSIX_ENTRY 0u /* the one that the bus domain programmed with this domain's vector */
#define DEVICE_CAPACITY 0u /* struct virtio_blk_config, section 5.2.4 */
#define DEVICE_CONFIG_BYTES 8u

#define FEATURE_READ_ONLY (1ull << 5)
#define FEATURE_FLUSH (1ull << 9)
#define FEATURE_VERSION_1 (1ull << 32)
#define FEATURE_ACCESS_PLATFORM (1ull << 33) /* the device goes through the IOMMU where there is one */
#define FEATURES_WANTED (FEATURE_READ_ONLY | FEATURE_FLUSH | FEATURE_VERSION_1 | FEATURE_ACCESS_PLATFORM)

/* Request header, section 5.2.6. */
enum block_request_type { BLOCK_IN = 0, BLOCK_OUT = 1, BLOCK_FLUSH = 4 };
struct block_header {
	uint32_t type, reserved;
	uint64_t sector;
};
#define STATUS_UNWRITTEN 0xffu

struct dma {
	struct vring_descriptor descriptor[VRING_SIZE_MAX];
	struct vring_available available;
	struct vring_used used __attribute__((aligned(4096)));
	struct block_header header[REQUEST_COUNT] __attribute__((aligned(4096)));
	uint8_t status[REQUEST_COUNT];
};
_Static_assert(sizeof(struct dma) <= DMA_BYTES, "dma_kib in manifest.toml");
_Static_assert(REQUEST_COUNT * VRING_CHAIN <= VRING_SIZE_MAX, "one chain for each request");

/* Scratch: all of it is found again by device_start. */
static struct device device;
static struct vring vring;
static uintptr_t common, doorbell, device_config;

const struct device *device_get(void)
{
	return &device;
}

static volatile struct dma *dma(void)
{
	return (volatile struct dma *)ZOG_DMA_BASE;
}

static uint64_t dma_physical(uint64_t offset)
{
	return rt_self()->dma_physical + offset;
}

/* `place` is window << 32 | offset as the bus domain found it in the device's own tables. */
static bool window_address(uint64_t place, uint64_t need, uintptr_t *address_out)
{
	uint64_t window = place >> 32, offset = (uint32_t)place;

	if (window >= 6 || offset + need > rt_self()->window[window].bytes || offset + need > ZOG_MMIO_STRIDE)
		return false;
	*address_out = ZOG_MMIO_BASE + window * ZOG_MMIO_STRIDE + offset;
	return true;
}

static bool device_reset(void)
{
	uint64_t end_ns = rt_now_ns() + RESET_LIMIT_NS;

	mmio_write8(common + COMMON_STATUS, 0);
	while (mmio_read8(common + COMMON_STATUS) != 0) {
		if (rt_now_ns() > end_ns)
			return false;
		__asm__ volatile("pause");
	}
	return true;
}

static void status_add(uint8_t bits)
{
	mmio_write8(common + COMMON_STATUS, mmio_read8(common + COMMON_STATUS) | bits);
}

static uint64_t features_read(void)
{
	uint64_t features;

	mmio_write32(common + COMMON_DEVICE_FEATURE_SELECT, 0);
	features = mmio_read32(common + COMMON_DEVICE_FEATURE);
	mmio_write32(common + COMMON_DEVICE_FEATURE_SELECT, 1);
	return features | (uint64_t)mmio_read32(common + COMMON_DEVICE_FEATURE) << 32;
}

static bool features_negotiate(void)
{
	uint64_t features = features_read() & FEATURES_WANTED;

	if (!(features & FEATURE_VERSION_1))
		return false;
	mmio_write32(common + COMMON_DRIVER_FEATURE_SELECT, 0);
	mmio_write32(common + COMMON_DRIVER_FEATURE, (uint32_t)features);
	mmio_write32(common + COMMON_DRIVER_FEATURE_SELECT, 1);
	mmio_write32(common + COMMON_DRIVER_FEATURE, (uint32_t)(features >> 32));
	status_add(VIRTIO_FEATURES_OK);
	device.is_read_only = (features & FEATURE_READ_ONLY) != 0;
	device.has_flush = (features & FEATURE_FLUSH) != 0;
	return (mmio_read8(common + COMMON_STATUS) & VIRTIO_FEATURES_OK) != 0;
}

/* The capacity is two registers: read again until no change fell between them (section 2.5.1). */
static uint64_t sectors_read(void)
{
	uint64_t sectors = 0;

	for (int turn = 0; turn < 8; turn++) {
		uint8_t generation = mmio_read8(common + COMMON_GENERATION);

		sectors = mmio_read32(device_config + DEVICE_CAPACITY);
		sectors |= (uint64_t)mmio_read32(device_config + DEVICE_CAPACITY + 4) << 32;
		if (mmio_read8(common + COMMON_GENERATION) == generation)
			break;
	}
	return sectors;
}

static uint16_t queue_size_choose(uint16_t device_size)
{
	uint16_t size = VRING_SIZE_MAX;

	while (size > device_size)
		size /= 2;
	return size;
}

static bool queue_setup(uint64_t notify, uint64_t notify_multiplier)
{
	mmio_write16(common + COMMON_QUEUE_SELECT, 0);
	uint16_t size = queue_size_choose(mmio_read16(common + COMMON_QUEUE_SIZE));
	uint64_t notify_offset = mmio_read16(common + COMMON_QUEUE_NOTIFY_OFFSET) * notify_multiplier;

	if (size < VRING_CHAIN || notify_offset > ZOG_MMIO_STRIDE)
		return false;
	if (!window_address(notify + notify_offset, sizeof(uint16_t), &doorbell))
		return false;
	vring.descriptor = dma()->descriptor;
	vring.available = &dma()->available;
	vring.used = &dma()->used;
	vring_reset(&vring, size);
	device.request_limit = vring_chain_count(&vring);
	if (device.request_limit > REQUEST_COUNT)
		device.request_limit = REQUEST_COUNT;
	mmio_write16(common + COMMON_QUEUE_SIZE, size);
	mmio_write16(common + COMMON_MSIX_CONFIG, MSIX_ENTRY);
	mmio_write16(common + COMMON_QUEUE_MSIX_VECTOR, MSIX_ENTRY);
	if (mmio_read16(common + COMMON_QUEUE_MSIX_VECTOR) != MSIX_ENTRY)
		return false;
	mmio_write64_halves(common + COMMON_QUEUE_DESCRIPTOR, dma_physical(offsetof(struct dma, descriptor)));
	mmio_write64_halves(common + COMMON_QUEUE_DRIVER, dma_physical(offsetof(struct dma, available)));
	mmio_write64_halves(common + COMMON_QUEUE_DEVICE, dma_physical(offsetof(struct dma, used)));
	mmio_write16(common + COMMON_QUEUE_ENABLE, 1);
	return true;
}

static zog_status_t windows_find(uint64_t *notify_out, uint64_t *multiplier_out)
{
	uint64_t windows, common_place, device_place;
	zog_status_t status = bus_claim(&windows);

	if (status == ZOG_OK)
		status = bus_virtio(&common_place, notify_out, &device_place, multiplier_out);
	if (status != ZOG_OK)
		return status;
	if (!window_address(common_place, COMMON_BYTES, &common)
	    || !window_address(device_place, DEVICE_CONFIG_BYTES, &device_config)) {
		rt_log(RT_ERROR, "register windows are missing (bitmap 0x%lx)", windows);
		return ZOG_ERR_NO_DEVICE;
	}
	return ZOG_OK;
}

/* Brings the device up from any state. ZOG_ERR_NO_DEVICE: there is none that can be used. */
zog_status_t device_start(void)
{
	uint64_t notify, notify_multiplier;
	zog_status_t status;

	device.is_present = false;
	status = windows_find(&notify, &notify_multiplier);
	if (status != ZOG_OK)
		return status;
	if (!device_reset()) {
		rt_log(RT_ERROR, "the device does not finish its reset");
		return ZOG_ERR_NO_DEVICE;
	}
	status_add(VIRTIO_ACKNOWLEDGE);
	status_add(VIRTIO_DRIVER);
	if (!features_negotiate() || !queue_setup(notify, notify_multiplier)) {
		status_add(VIRTIO_FAILED);
		rt_log(RT_ERROR, "the device offers no usable features or queue");
		return ZOG_ERR_NO_DEVICE;
	}
	device.blocks = sectors_read() / SECTORS_PER_BLOCK;
	status_add(VIRTIO_DRIVER_OK);
	device.is_present = true;
	return ZOG_OK;
}

/* Publishes a request that is IN_FLIGHT in the table. data_physical is not kept in the table but comes fresh from
 * the core's pin, so a damaged record cannot aim the device at other memory. place < request_limit. */
void device_submit(uint32_t place, const struct request *request, uint64_t data_physical)
{
	static const uint32_t type[] = { BLOCK_IN, BLOCK_OUT, BLOCK_FLUSH };
	struct vring_request ring_request = {
		.header = dma_physical(offsetof(struct dma, header) + place * sizeof(struct block_header)),
		.header_length = sizeof(struct block_header),
		.data = data_physical,
		.data_length = request->kind == REQUEST_FLUSH ? 0 : BLOCK_BYTES,
		.is_data_from_device = request->kind == REQUEST_READ,
		.status = dma_physical(offsetof(struct dma, status) + place),
	};

	dma()->header[place].type = type[request->kind];
	dma()->header[place].reserved = 0;
	dma()->header[place].sector = request->block * SECTORS_PER_BLOCK;
	dma()->status[place] = STATUS_UNWRITTEN;
	vring_publish(&vring, (uint16_t)place, &ring_request);
	mmio_write16(doorbell, 0);
}

/* One finished request: its place in the table and whether it failed. The caller marks it DONE before the next. */
enum device_answer device_collect(struct request_table *table, uint32_t *place_out, bool *is_failed_out)
{
	uint16_t chain;
	uint32_t length;
	enum vring_taken taken = vring_take(&vring, &chain, &length);

	if (taken == VRING_EMPTY)
		return DEVICE_NONE;
	if (taken == VRING_BOGUS || chain >= device.request_limit)
		rt_fail(ZOG_CAUSE_CONTRACT, taken, vring.used_index);
	const struct request *request = &table->request[chain];
	uint32_t expected = 1 + (request->kind == REQUEST_READ ? BLOCK_BYTES : 0);

	if (request->state != REQUEST_IN_FLIGHT || length > expected)
		rt_fail(ZOG_CAUSE_CONTRACT, chain, length);
	uint8_t device_status = dma()->status[chain];

	if (device_status != 0)
		rt_log(RT_WARN, "block %lu: the device answered status %u", request->block, device_status);
	*is_failed_out = device_status != 0 || length != expected;
	*place_out = chain;
	return DEVICE_ANSWER;
}

bool device_needs_reset(void)
{
	return (mmio_read8(common + COMMON_STATUS) & VIRTIO_NEEDS_RESET) != 0;
}
