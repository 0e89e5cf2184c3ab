/* A domain: one isolated subsystem instance. Everything about it that changes while it lives. */
#ifndef CORE_OBJECT_DOMAIN_H
#define CORE_OBJECT_DOMAIN_H

#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include "system.h"
#include "event.h"
#include "lock.h"
#include "space.h"
#include "update.h"
#include "mem/memory.h"
#include "tsm/home_schema.h"

enum area_kind {
	AREA_FIXED,     /* mapped at boot and never changed: information, DMA memory, peers' messages */
	AREA_TEXT,      /* of the image: every page is measured when an incarnation first touches it */
	AREA_CONSTANTS, /* the same */
	AREA_DATA,  /* scratch with initial contents from the image */
	AREA_ZERO,  /* scratch that starts as zeros: bss, heap, stacks, transaction page, own messages */
	AREA_HOME,  /* live image over the committed one */
};
/* A part of the address space with its page-table entries side by side. The restartable kinds are filled page by
 * page at first touch, so that a restart costs what the domain uses and not what it owns. */
struct area {
	uint64_t address, pages;
	uint32_t kind;
	uint32_t is_ahead; /* a write-ahead buffer: a first touch makes its domain is_ahead */
	pte_t *entry;      /* of the first page */
	uint64_t physical; /* first frame; frames are contiguous */
	const uint8_t *content; /* AREA_DATA: initial bytes */
	uint64_t content_bytes;
	const uint8_t *sum;     /* of the image's pages (fault/measure.h); NULL: content that has none */
};
/* Can the domain write there? */
static inline bool area_is_own(const struct area *area) { return area->kind >= AREA_DATA; }
#define AREA_MAX 92u

enum domain_state {
	DOMAIN_DOWN = ZOG_DOMAIN_DOWN,
	DOMAIN_READY = ZOG_DOMAIN_READY,
	DOMAIN_QUARANTINED = ZOG_DOMAIN_QUARANTINED,
	DOMAIN_STOPPED = ZOG_DOMAIN_STOPPED, /* services only */
};
/* How far the running commit is: before COMMIT_RANGES it can be given up, from there on it is only finished. COMMIT_RECORD: in
 * the place of both, that of one record of a region which goes straight (tsm/region_straight.c). COMMIT_DELIVER: all is done, but
 * it was that of a reply, which has yet to reach the caller; what is cut there must not be called again. */
enum commit_phase { COMMIT_NONE = 0, COMMIT_RANGES = 1, COMMIT_EFFECTS = 2, COMMIT_RECORD = 3, COMMIT_DELIVER = 4 };
enum domain_request { REQUEST_NONE = 0, REQUEST_KILL = 1, REQUEST_HANG = 2, REQUEST_UPDATE = 3 };
/* A method of a contract as one client has it. */
#define METHOD_DENIED 0xffffu
struct cap_method {
	uint16_t deadline_ms; /* METHOD_DENIED: the client lacks a right that the method needs */
	uint8_t is_used;      /* it has been called since boot */
	uint8_t reserved;
};
/* A row of a domain's capability table as the straight way of a crossing reads it. */
struct fast_cap {
	uint64_t contract; /* UINT64_MAX: no crossing capability, or one whose two sides do not fit (contract.h) */
	uint32_t method_count;
	uint32_t is_used; /* it has been exercised since boot; of crossings, their methods say so */
	struct domain *domain; /* whose crossing or event; NULL: neither, or the two sides do not fit */
	struct cap_method *method;
};
struct domain {
	uint64_t cr3;
	struct lock lock;         /* held while an invocation is inside, through its crossings */
	uint32_t id;
	uint32_t state;
	volatile uint32_t request; /* of the control capability; carried out by whoever holds the lock */
	uint32_t needs_quiesce;
	uint64_t step_kill;       /* instructions left until the asked-for end; 0: none */
	uint64_t entry;           /* of the image */
	struct fast_cap *fast_cap; /* the capability table with everything looked up that a crossing needs */
	uint32_t cap_count;
	uint32_t resets;          /* how often the page tables were emptied: CPUs that were elsewhere flush (cpu->seen_resets) */
	struct zog_incident *open_incident; /* waits for the first reply after it */
	uint64_t start_failures;
	struct zog_txn *txn;      /* the core's view of the transaction page */
	uint64_t invocations;
	uint8_t *home_live, *home_committed;
	uint64_t home_bytes;
	uint8_t *home_valid;      /* a byte a page: the live frame holds the page (else the committed one shows through) */
	uint64_t *rule_map;       /* a bit for each HOME_MAP_BYTES of the home region: a store there may break a rule */
	uint64_t *home_look;      /* the same, but for pages that are not valid, which have all bits */
	uint32_t commit_ranges, commit_ops;
	volatile uint32_t commit_next; /* the first operation whose effect is not known to be done */
	uint32_t commit_cut_step;      /* where an exception in ring 0 cut it before; 0: nowhere */
	volatile uint32_t commit_phase;
	uint32_t is_commit_recovered;  /* the core call that commits is made again: its work is done, a kill comes after it */
	uint64_t commit_checks;        /* ranges of the straight commit that may break a rule */
	uint64_t is_ahead;             /* a buffer of a region or an object may differ from what is committed: an abort discards it */
	struct zog_domain_stats stats; /* offsets known to crossing.S up to here */
	const struct domain_desc *desc;
	const struct image_desc *image;
	struct event *event;
	uint32_t area_count;
	struct area area[AREA_MAX];
	struct zog_domain_info *info;
	struct region *writes[ZOG_REGION_MAX]; /* shared regions that it writes, by place; else NULL */
	uint32_t scrub_page;
	uint32_t scrub_table, scrub_record; /* where the scrubber goes on in the schema */
	const struct home_schema *schema;   /* NULL: the home region has none */
	struct home_plan *home_plan;        /* of each of its tables */
	uint8_t *home_place;                /* by HOME_PLACE_BYTES: the first table that ends behind the place's start */
	struct home_finding finding, scrub_finding[HOME_TOLD_MAX];
	uint32_t scrub_told, scrub_life; /* how many of them, in the life that began with this reset */
	uint64_t *dma_table[2];   /* is_device_owner: second-level tables of the IOMMU, of three and of four levels */
	uint64_t *dma_pins;       /* their leaf entries, by place in the pin table */
	uint32_t dma_has_pins;    /* some may be set */
	uint32_t dma_source;      /* requester id of the device, IOMMU_NO_SOURCE */
	uint32_t dma_is_open;     /* the device reaches what the tables say */
	uint32_t dma_is_doubtful; /* the unit has not confirmed that it reaches nothing */
	uint64_t dma_fault_address, dma_fault_error; /* why a kill was requested; error 0: not by the IOMMU */
	uint32_t is_hanging;      /* it was told to hang: the deadline that ends it was asked for */
	uint32_t corrupt_open;    /* a corruption was made and nothing has noticed yet */
	uint32_t is_image_damaged; /* a page of the image, or at boot the whole, did not have its measure */
	uint64_t fault_invocations; /* `invocations` at the last fault that counts (cross/service.h) */
	uint32_t state_to_rest;   /* a service is to stop or end: its state after the next reset; else DOMAIN_DOWN */
	uint32_t is_restarted;    /* a service: by the core after its first fault */
	struct event started;     /* activities that cannot run are parked here */
	pte_t *image_entry;       /* page-table entries of the image's window, from ZOG_IMAGE_BASE on */
	struct update update;
};

extern struct domain domain_table[ZOG_DOMAIN_MAX];
extern uint64_t boot_info_page;         /* of struct zog_info: every domain reads it */
extern struct module_desc boot_module;  /* what the boot loader passed along ("initrd"); bytes 0: nothing */
#define domain_total system_domain_count

/* Does the domain hold a capability of TYPE at INDEX? That it was asked for is noted: see object/authority.c. */
static inline bool domain_holds(const struct domain *domain, uint64_t index, uint32_t type)
{
	if (index >= domain->desc->cap_count || domain->desc->cap[index].type != type)
		return false;
	domain->fast_cap[index].is_used = 1;
	return true;
}

/* Makes the page at ADDRESS present (for writing if is_write). false: the domain has no business there. */
bool domain_touch(struct domain *domain, uint64_t address, bool is_write);
/* object/image.c. A page of the image is first touched: false: it does not have its measure, which is noted. */
bool image_touch(struct domain *domain, struct area *area, uint64_t page);
/* The page at BYTES, of the image's contents or the domain's copy of them; true where there is nothing to measure. */
bool image_page_is_good(struct domain *domain, const struct area *area, uint64_t page, const uint8_t *bytes);
/* Is that an address of its text? */
bool domain_executes(const struct domain *domain, uint64_t address);
/* The domain's bytes [address, address + bytes) that it may read and write, when they lie on one page; else NULL. */
void *domain_bytes(struct domain *domain, uint64_t address, uint64_t bytes);
/* Copies between the core and a domain's own memory. false: some page is not the domain's (to write). */
bool domain_read(struct domain *domain, void *to, uint64_t address, uint64_t bytes);
bool domain_write(struct domain *domain, uint64_t address, const void *from, uint64_t bytes);
/* Back to the last checkpoint: live image, scratch and stacks discarded, the image measured again where it is touched. */
void domain_reset(struct domain *domain);
/* What was taken from the domain's page tables is gone on every CPU when this returns. On the domain's own CPU, too. */
void domain_flush(struct domain *domain); /* object/processor.c */
/* boot */
void domain_build(struct domain *domain, uint32_t id);
void domain_build_peers(struct domain *domain);
void domain_attach_window(struct domain *domain, uint32_t window, uint64_t physical, uint64_t bytes);
/* Does IMAGE, one of the domain's, have its measure? Notes the sums of its pages. */
bool image_is_measured(struct domain *domain, const struct image_desc *image);
/* Text, constants and data of IMAGE take the place of what the image's window showed. Nothing runs in the domain. */
void domain_image_map(struct domain *domain, const struct image_desc *image);

#endif
