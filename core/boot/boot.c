/* From the boot loader's start info to running domains.
 *
 * Order: memory map; final page tables (W^X for the core, all RAM mapped once, not executable); frame table; this CPU;
 * time; the other CPUs; domains; threads of the activities; go. Boot code and its page tables are not used again. */
#include <stddef.h>
#include "boot/boot.h"
#include "arch/x86_64/apic.h"
#include "arch/x86_64/core_asm.h"
#include "cross/schedule.h"
#include "fault/fault.h"
#include "fault/log.h"
#include "irq/irq.h"
#include "object/cpu.h"
#include "object/domain.h"
#include "object/frame.h"
#include "tsm/object.h"
#include "tsm/region_hook.h"

uint64_t boot_info_page;
extern const uint8_t ap_trampoline[], ap_trampoline_end[];
extern uint64_t ap_stack_top;

/* --- threads ------------------------------------------------------------------------------------------------------ */

static void activity_build(struct thread *thread, uint32_t number, struct domain *domain)
{
	thread->id = 0x8000 | number;
	thread->cpu = NO_CPU;
	thread->is_activity = 1;
	thread->root_domain = domain;
	thread->root_pending = ROOT_CALL;
	thread->wait_deadline_ns = UINT64_MAX;
	thread_make_ready(thread);
}

static void activities_build(struct domain *domain, uint32_t *next)
{
	for (uint32_t i = 0; i < domain->desc->activity_count; i++) {
		struct thread *thread = &thread_table[thread_slots + *next];
		thread->root_method = ZOG_METHOD_ACTIVITY;
		thread->frame[0].word[0] = i;
		activity_build(thread, (*next)++, domain);
	}
}

static void threads_build(void)
{
	uint32_t activities = 0, next = 0;

	for (uint32_t i = 0; i < domain_total; i++) {
		const struct domain_desc *desc = domain_table[i].desc;
		activities += desc->activity_count;
		if (!desc->is_personality)
			continue;
		thread_slots = desc->thread_count;
		space_total = desc->space_count;
		table_pool_init(boot_memory(desc->page_table_bytes, FRAME_TABLE, i), desc->page_table_bytes / ZOG_PAGE_SIZE);
	}
	bool has_hooks = region_hooks_are_there();
	thread_total = thread_slots + activities + has_hooks;
	thread_table = boot_pointer(thread_total * sizeof(struct thread) + 64);
	space_table = boot_pointer((space_total + 1) * sizeof(struct space));
	for (uint32_t i = 0; i < thread_slots; i++)
		thread_table[i].cpu = NO_CPU;
	for (uint32_t i = 0; i < domain_total; i++)
		activities_build(&domain_table[i], &next);
	if (has_hooks) {
		thread_table[thread_slots + next].is_hook = 1;
		activity_build(&thread_table[thread_slots + next], next, &domain_table[0]); /* until the first call */
	}
}

/* --- the other CPUs -------------------------------------------------------------------------------------------------- */

/* QEMU's firmware configuration device says how many CPUs there are (docs/specs/fw_cfg). Elsewhere: one. */
static uint32_t cpu_count_find(void)
{
	static const char signature[4] = "QEMU";

	port_write16(0x510, 0);
	for (uint32_t i = 0; i < 4; i++)
		if (port_read8(0x511) != (uint8_t)signature[i])
			return 1;
	port_write16(0x510, 5);
	uint32_t count = port_read8(0x511);
	return count == 0 ? 1 : count > ZOG_CPU_MAX ? ZOG_CPU_MAX : count;
}

void core_boot_ap(void);
void core_boot_ap(void)
{
	struct cpu *cpu = &cpu_table[cpu_count];

	cr3_write(core_pml4_physical);
	cpu->cr3 = core_pml4_physical;
	cpu_setup(cpu);
	while (!boot_is_done)
		cpu_pause();
	while (cpu->id >= cpu_count) /* it came too late, and is not counted: nobody would flush it */
		__asm__ volatile("cli; hlt");
	apic_timer(1000000);
	core_restart_stack();
}

static void delay_us(uint64_t us)
{
	uint64_t end = tsc_read() + us * time_tsc_khz / 1000;

	while (tsc_read() < end)
		cpu_pause();
}

#define START_WAITS 20000u /* of 100 us: a busy host may let a CPU wait long */
static void cpu_start_one(uint32_t id)
{
	struct cpu *cpu = &cpu_table[id];

	cpu->id = id;
	cpu->apic_id = id;
	*(volatile uint64_t *)(CORE_BASE + (uint64_t)&ap_stack_top) = stack_end(cpu, STACK_CORE);
	apic_send(id, 0x4500); /* INIT */
	delay_us(10000);
	for (uint32_t i = 0; i < 2 && !*(volatile uint32_t *)&cpu->is_online; i++) {
		apic_send(id, 0x4600 | AP_TRAMPOLINE >> 12);
		for (uint32_t wait = 0; wait < START_WAITS && !*(volatile uint32_t *)&cpu->is_online; wait++)
			delay_us(100);
	}
	if (cpu->is_online)
		cpu_count++;
	else
		log_line("zog: cpu %u did not start", id);
}

/* The others start on the boot page tables, which the trampoline needs at its physical address. */
void cpu_start_others(void)
{
	uint32_t wanted = cpu_count_find();

	memcpy(physical_pointer(AP_TRAMPOLINE), (const void *)(CORE_BASE + (uint64_t)ap_trampoline), (size_t)(ap_trampoline_end - ap_trampoline));
	for (uint32_t id = 1; id < wanted && cpu_count == id; id++)
		cpu_start_one(id);
}

/* --- domains ------------------------------------------------------------------------------------------------------------ */

static void info_build(const char *cmdline, uint64_t acpi_root)
{
	boot_info_page = boot_memory(sizeof(struct zog_info), FRAME_TABLE, 0);
	struct zog_info *info = physical_pointer(boot_info_page);

	*info = (struct zog_info){
		.tsc_khz = time_tsc_khz, .tsc_boot = time_tsc_boot, .memory_bytes = boot_ram_bytes, .frame_count = frame_count,
		.cpu_count = cpu_count, .domain_count = domain_total, .acpi_root = acpi_root,
	};
	for (uint32_t i = 0; cmdline[i] && i < ZOG_CMDLINE_MAX - 1; i++)
		info->cmdline[i] = cmdline[i];
}

/* What boot did not use belongs to the domain whose manifest has the right "frames". */
static void frames_give(struct domain *domain)
{
	uint64_t first, count;

	boot_memory_rest(&first, &count);
	for (uint64_t i = first; i < first + count; i++) {
		frame_table[i].type = FRAME_PAYLOAD;
		frame_table[i].owner = (uint8_t)domain->id;
	}
	domain->info->free_first_frame = first;
	domain->info->free_frame_count = count;
}

static void domains_build(void)
{
	for (uint32_t i = 0; i < domain_total; i++) {
		domain_build(&domain_table[i], i);
		domain_table[i].state = system_domain[i].is_service ? DOMAIN_STOPPED : DOMAIN_DOWN;
	}
	for (uint32_t i = 0; i < domain_total; i++)
		domain_build_peers(&domain_table[i]);
	for (uint32_t i = 0; i < domain_total; i++) {
		domain_table[i].is_image_damaged = !image_is_measured(&domain_table[i], domain_table[i].image);
		if (domain_table[i].is_image_damaged)
			log_line("zog: measure domain=%s: the image does not have its SHA-256; it will not be started", domain_table[i].desc->name);
		irq_setup(&domain_table[i]);
	}
	threads_build();
	for (uint32_t i = 0; i < domain_total; i++)
		if (domain_table[i].desc->is_frame_owner)
			frames_give(&domain_table[i]);
}

volatile uint32_t boot_is_done;

void core_boot(uint64_t start_info);
void core_boot(uint64_t start_info)
{
	struct cpu *cpu = &cpu_table[0];
	static struct boot_start start;

	/* log_line needs cpu_current: GS first. */
	msr_write(MSR_GS_BASE, (uint64_t)cpu);
	cpu->self = cpu;
	log_setup();
	boot_start_read(start_info, &start);
	boot_memory_setup(&start);
	cpu->cr3 = boot_tables_build();
	cpu_setup(cpu);
	time_calibrate();
	cpu_start_others();
	info_build(start.cmdline, start.acpi_root);
	incident_setup();
	region_setup(start.cmdline);
	object_setup();
	domains_build();
	log_line("zog: boot cpus=%u memory_mib=%lu domains=%u tsc_khz=%lu", cpu_count, boot_ram_bytes >> 20, domain_total, time_tsc_khz);
	boot_is_done = 1;
	apic_timer(1000000);
	core_restart_stack();
}
