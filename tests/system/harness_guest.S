/* A guest of a few instructions that acts out what the host tool must deal with, so that the tool is tested without Zog.
 * Started by PVH in 32-bit mode. It echoes the console; some letters make it do something:
 *   q  powers off with status 7        f  reports a fatal error, then waits for ever
 *   h  hangs without a word            t  dies by a triple fault, without powering off */
#define CONSOLE 0x3f8
#define LOG 0x2f8

	.section .note.Xen, "a", @note
	.long 4, 4, 18
	.asciz "Xen"
	.long _start

	.text
	.code32
	.global _start
_start:
	mov $stack_end, %esp
	mov $LOG, %edx
	mov $boot_text, %esi
	call print
	mov $CONSOLE, %edx
	mov $greeting, %esi
	call print
next:
	mov $CONSOLE + 5, %edx
	inb %dx, %al
	test $1, %al
	jnz got
	pause
	jmp next
got:
	mov $CONSOLE, %edx
	inb %dx, %al
	cmp $'q', %al
	je power_off
	cmp $4, %al
	je power_off
	cmp $'f', %al
	je fatal
	cmp $'h', %al
	je hang
	cmp $'t', %al
	je triple_fault
	outb %al, %dx
	jmp next
power_off:
	mov $LOG, %edx
	mov $power_off_text, %esi
	call print
	mov $0x604, %edx
	mov $0x2000, %eax
	outw %ax, %dx
hang:
	pause
	jmp hang
fatal:
	mov $LOG, %edx
	mov $fatal_text, %esi
	call print
	jmp hang
triple_fault:
	lidt no_table
	int3
print:
	lodsb
	test %al, %al
	jz printed
	outb %al, %dx
	jmp print
printed:
	ret

	.section .rodata
boot_text:
	.ascii "booted\nzog: incident 1 domain=virtio_blk cause=killed vector=0 address=0x0 error=0x0 time_ns=1500000000 "
	.ascii "method=0x101 client=0x500000002 running=1 asked=1 undone_ranges=3 undone_ops=1 rip=0x400000 rsp=0x1 trace=0x400000\n"
	.asciz "zog: recovered 1 domain=virtio_blk instructions=4711\n"
greeting:
	.asciz "guest\r\n"
power_off_text:
	.asciz "zog: power off status=7\n"
fatal_text:
	.asciz "zog: fatal no disk: give one with --disk\n"
no_table:
	.word 0
	.long 0

	.bss
	.skip 4096
stack_end:
	.section .note.GNU-stack, "", @progbits
