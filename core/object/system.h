/* The system as the manifests and contracts describe it: constant tables that the core is linked with.
 * tools/manifest.py writes build/gen/system/system.c, tools/image.py writes build/gen/system/images.S and
 * build/gen/system/images.c. The core reads them at boot and at every restart; nothing else gives authority. */
#ifndef CORE_OBJECT_SYSTEM_H
#define CORE_OBJECT_SYSTEM_H

#include <stdint.h>
#include "zog/core.h"

enum cap_type {
	CAP_NONE = 0,
	CAP_ENTRY = 1,    /* a=domain b=contract number: crossing to the methods of that contract */
	CAP_EVENT = 2,    /* a=domain b=event: may wait on it and read its count */
	CAP_PORTS = 3,    /* a=first port b=last port */
	CAP_CONTROL = 4,  /* DOMAIN_CONTROL: KILL at once */
	CAP_INSPECT = 5,  /* INCIDENT, AUTHORITY: what others hold and did */
	CAP_POWER = 6,    /* POWER_OFF */
	CAP_BUS = 7,      /* DEVICE_ATTACH, DEVICE_RESUMED */
	CAP_SCHEDULE = 8, /* SCHEDULE */
	CAP_STATS = 9,    /* STATS, REGION_STATS: counters */
	CAP_INJECT = 10,  /* DOMAIN_CONTROL: faults at a chosen place, HANG, CORRUPT */
	CAP_UPDATE = 11,  /* IMAGE, UPDATE */
	CAP_TYPE_COUNT
};
struct cap_desc {
	uint32_t type, a, b;
	uint32_t rights; /* CAP_ENTRY: bit n for the contract's nth right */
};

enum irq_kind { IRQ_ISA = 0, IRQ_MSI = 1 };
struct irq_desc {
	uint32_t kind;   /* enum irq_kind */
	uint32_t line;   /* IRQ_ISA: 0..15 */
	uint32_t event;  /* own event it raises */
	uint32_t vector; /* CPU vector, one for each irq of the system from 0x40 up */
};

struct method_desc {
	uint16_t deadline_ms;
	uint8_t kind;   /* enum method_kind */
	uint8_t rights; /* that it needs, as in cap_desc */
};
enum method_kind { METHOD_PURE = 0, METHOD_IDEMPOTENT = 1, METHOD_ONCE = 2 };
struct contract_desc { /* contract numbers start at 1; entry 0 is empty */
	const char *name;
	uint32_t method_count;
	const struct method_desc *method;
	uint32_t server; /* domain */
};

/* One end of a stream; its place in the domain's table is its place at ZOG_STREAM_BASE. */
enum stream_role { STREAM_PRODUCER = 0, STREAM_CONSUMER = 1 };
struct stream_desc {
	uint32_t role, pages;
	uint32_t peer, peer_index; /* domain, and place in its table */
};

/* A shared region: tables of records and the rules of their fields, from the contract (tools/zoglang/region.py). */
struct rule_desc {
	const char *field;
	uint32_t rule; /* enum zog_region_rule */
	uint16_t number, offset; /* of the field: place in the record, bytes from its start */
	uint8_t bytes, is_signed, is_optional, target_bytes;
	uint32_t target;      /* REF: record kind; LENGTH: offset of the offset field, target_bytes wide */
	uint64_t first, last; /* RANGE, sign-extended where signed */
	const uint64_t *value;
	uint32_t value_count;
};
struct record_desc {
	const char *name;
	uint32_t offset, bytes, count; /* in the region; of one; how many */
	const struct rule_desc *rule;
	uint32_t rule_count;
	uint32_t live_offset, live_bytes; /* live_bytes 0: every record is live */
	uint32_t is_target;               /* some REF names this kind */
};
struct region_desc {
	const char *name; /* CONTRACT.REGION */
	const struct record_desc *record;
	uint32_t record_count;
	uint32_t bytes; /* of all records; a multiple of the page size */
	uint32_t writer;
	uint32_t history;
	uint32_t is_reconstructible;
	uint32_t reader_count;
	uint32_t has_validator, validator; /* domain that commits in the writer's place */
	const struct region_hook *hook;    /* who is told of a rollback, in this order */
	uint32_t hook_count;
};
enum region_role { REGION_READER = 0, REGION_WRITER = 1, REGION_VALIDATOR = 2 };
struct region_end {
	uint32_t region, role; /* region: place in system_region; role: enum region_role */
};
struct region_hook {
	uint32_t domain, place; /* place: in that domain's table */
};

/* A large object: its header keeps rules, the rest is free. As a schema it is one record of all its bytes. */
struct object_desc {
	struct region_desc schema;
	uint32_t header_bytes;
	uint32_t buffer_count; /* 2 + history */
};
struct object_end {
	uint32_t object, is_writer; /* object: place in system_object */
};

enum on_faults { ON_FAULTS_BACK_OFF = 0, ON_FAULTS_QUARANTINE = 1, ON_FAULTS_RESTART = 2 }; /* cross/service.h */
struct domain_desc {
	const char *name;
	const struct cap_desc *cap; /* capability index = place in this table; 0 is always CAP_NONE */
	uint32_t cap_count;
	const struct irq_desc *irq;
	uint32_t irq_count;
	uint32_t event_count;    /* own events, dynamic ones included */
	uint32_t activity_count;
	uint64_t home_bytes, heap_bytes, dma_bytes; /* multiples of the page size */
	uint32_t peer_mask;      /* domains that it speaks with: those it calls and those that call it */
	uint32_t contract0_deadline_ms; /* START, ACTIVITY, SYSCALL, ...; default 100 */
	uint32_t is_device_owner;       /* QUIESCE before every restart */
	uint32_t is_personality;
	uint32_t is_frame_owner;        /* gets all free frames at boot */
	uint32_t is_bus;                /* serves QUIESCE */
	uint32_t is_service;            /* runs when the supervisor says so */
	uint32_t on_faults;             /* enum on_faults */
	uint32_t service_event;         /* own event: a service came to rest. event_count or more: is not told */
	uint32_t thread_count, space_count; /* programs */
	uint32_t is_cold_on_damage;     /* manifest: on_damage = "cold" */
	uint64_t page_table_bytes;
	const char *module;      /* name of the boot module mapped at ZOG_MODULE_BASE, or NULL */
	const struct stream_desc *stream;
	uint32_t stream_count;
	const struct region_end *region; /* place in this table = place at ZOG_REGION_BASE */
	uint32_t region_count;
	const struct object_end *object; /* place in this table = place at ZOG_OBJECT_BASE */
	uint32_t object_count;
};

/* A domain's image, inside the core's own file. Contents stay in place: text and constants are mapped from here. */
struct image_desc {
	uint64_t entry;
	const uint8_t *header; /* struct zog_update_header: what it was built with */
	struct { uint64_t address, pages; const uint8_t *content; } text, constants; /* R-X, R-- */
	struct { uint64_t address, bytes, memory_bytes; const uint8_t *content; } data; /* RW-; bss is the rest */
	uint8_t sha256[32]; /* its measure: core/fault/measure.h */
};
struct module_desc {
	const char *name;
	const uint8_t *content; /* page-aligned */
	uint64_t bytes;
};

extern const struct domain_desc system_domain[];  /* domain id = place; build order is by call depth, callees first */
extern const uint32_t system_domain_count;
extern const struct contract_desc system_contract[];
extern const uint32_t system_contract_count;      /* entry 0 included */
extern const struct region_desc system_region[];
extern const uint32_t system_region_count;
extern const struct object_desc system_object[];
extern const uint32_t system_object_count;
extern const struct image_desc system_image[];    /* by domain id */
extern const struct module_desc system_module[];
extern const uint32_t system_module_count;

#endif
