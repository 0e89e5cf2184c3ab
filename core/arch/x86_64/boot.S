/* From the firmware to C. PVH entry (a 32-bit protected-mode start with the address of the start info in ebx,
 * Xen "x86/HVM direct boot ABI"), and the start of further CPUs. Both end in long mode at an address in the
 * core's half with the boot page tables: the first GiB, at 0 and at CORE_BASE. */
#include "core_asm.h"

	.section .note.Xen, "a"
	.long 4, 8, 18          /* name "Xen", 8-byte value, XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz "Xen"
	.quad boot_start

	.section .boot, "awx"
	.code32
	.global boot_start
boot_start:
	cld
	cli
	mov $boot_stack_top, %esp
	mov %ebx, boot_info
	/* pml4[0] and pml4[511] -> pdpt; pdpt[0] and pdpt[510] -> pd; pd: 512 pages of 2 MiB */
	mov $boot_pdpt + 3, %eax
	mov %eax, boot_pml4
	mov %eax, boot_pml4 + 511 * 8
	mov $boot_pd + 3, %eax
	mov %eax, boot_pdpt
	mov %eax, boot_pdpt + 510 * 8
	mov $0x83, %eax
	xor %ecx, %ecx
1:	mov %eax, boot_pd(, %ecx, 8)
	add $0x200000, %eax
	inc %ecx
	cmp $512, %ecx
	jne 1b
	call long_mode
	lgdt boot_gdt_pointer
	ljmp $8, $boot_long
long_mode:
	mov $0x20, %eax         /* CR4.PAE */
	mov %eax, %cr4
	mov $boot_pml4, %eax
	mov %eax, %cr3
	mov $0xc0000080, %ecx
	rdmsr
	or $0x901, %eax         /* SCE, LME, NXE */
	wrmsr
	mov $CR0_LONG_MODE, %eax
	mov %eax, %cr0
	ret

	.code64
boot_long:
	xor %eax, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	mov %eax, %fs
	mov %eax, %gs
	mov $core_boot_stack_top, %rsp
	mov boot_info, %edi
	xor %ebp, %ebp
	mov $core_boot, %rax
	call *%rax
2:	hlt
	jmp 2b

	/* Further CPUs: copied to AP_TRAMPOLINE, started in real mode by the start-up interrupt. */
	.code16
	.global ap_trampoline, ap_trampoline_end
ap_trampoline:
	cli
	cld
	xor %ax, %ax
	mov %ax, %ds
	lgdtl AP_TRAMPOLINE + ap_gdt_pointer - ap_trampoline
	mov $0x11, %eax
	mov %eax, %cr0
	ljmpl $0x18, $ap_protected
	.balign 8
ap_gdt_pointer:
	.word boot_gdt_end - boot_gdt - 1
	.long boot_gdt
ap_trampoline_end:

	.code32
ap_protected:
	mov $0x20, %eax
	mov %eax, %ds
	mov %eax, %ss
	mov $boot_stack_top, %esp
	/* One CPU at a time uses the boot stack: the core starts them one after another. */
	call long_mode
	ljmp $8, $ap_long
	.code64
ap_long:
	xor %eax, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	mov ap_stack_top, %rsp
	xor %ebp, %ebp
	mov $core_boot_ap, %rax
	call *%rax
3:	hlt
	jmp 3b

	.balign 16
boot_gdt:
	.quad 0
	.quad 0x00209a0000000000 /* 0x08 64-bit code */
	.quad 0x0000920000000000 /* 0x10 data */
	.quad 0x00cf9a000000ffff /* 0x18 32-bit code */
	.quad 0x00cf92000000ffff /* 0x20 32-bit data */
boot_gdt_end:
boot_gdt_pointer:
	.word boot_gdt_end - boot_gdt - 1
	.quad boot_gdt
	.balign 8
boot_info:
	.quad 0
	.global ap_stack_top
ap_stack_top:
	.quad 0
	.balign 4096
	.global boot_pml4
boot_pml4:
	.skip 4096
boot_pdpt:
	.skip 4096
boot_pd:
	.skip 4096
	.skip 512
boot_stack_top:

	.bss
	.balign 16
	.skip 16384
	.global core_boot_stack_top
core_boot_stack_top:
