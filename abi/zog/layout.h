/* The address space of a domain. All domains look alike; each is alone in its own page tables.
 * Everything below 1 << 47 is the domain's; the upper half is the core's and closed to ring 3. */
#ifndef ZOG_LAYOUT_H
#define ZOG_LAYOUT_H

#define ZOG_PAGE_SHIFT 12
#define ZOG_PAGE_SIZE 4096ul

#define ZOG_CPU_MAX 8
#define ZOG_DOMAIN_MAX 32

#define ZOG_IMAGE_BASE 0x0000000000400000ul /* text R-X, constants R--, data and bss RW- */
/* Home region and transaction page lie in the first 2 GiB, so that the store hook names them by 32-bit addresses. */
#define ZOG_HOME_BASE 0x0000000060000000ul  /* live image of the home region, RW- */
#ifndef ZOG_HOME_COMMITTED_OFFSET /* a test on the host may have one image only */
#define ZOG_HOME_COMMITTED_OFFSET 0x000000000c000000ul /* committed image stands at live + this, R-- */
#endif
#define ZOG_HEAP_BASE 0x0000200000000000ul  /* scratch memory of the size in the manifest, RW-, zero at start */
#define ZOG_STACK_BASE 0x0000300000000000ul /* one stack per CPU, guard pages between */
#define ZOG_STACK_STRIDE 0x0000000000100000ul
#define ZOG_STACK_SIZE 0x10000ul /* stack of CPU c ends at ZOG_STACK_BASE + (c + 1) * ZOG_STACK_STRIDE */
#define ZOG_MESSAGE_BASE 0x0000400000000000ul /* message areas: the own RW-, those of peers to this domain R-- */
#define ZOG_MESSAGE_SIZE 0x2000ul
#define ZOG_INFO_BASE 0x0000500000000000ul   /* struct zog_info, the same page in all domains, R-- */
#define ZOG_DOMAIN_INFO_BASE 0x0000500000100000ul /* struct zog_domain_info, R-- */
#define ZOG_REGION_BASE 0x0000540000000000ul /* shared regions: a page with the head and the records behind it, R-- */
#define ZOG_REGION_STRIDE 0x0000000004000000ul
#define ZOG_REGION_BUFFER_OFFSET 0x0000000002000000ul /* the writer's write-ahead buffer (records only), RW- */
#define ZOG_REGION_MAX 8
#define ZOG_REGION_BYTES_MAX 0x100000
#define ZOG_OBJECT_BASE 0x0000550000000000ul /* large objects (object.h): head, buffers R--, the writer's buffer RW- */
#define ZOG_OBJECT_STRIDE 0x0000000004000000ul
#define ZOG_OBJECT_SLOT 0x0000000000200000ul   /* a page table each: a buffer comes and goes by one entry above it */
#define ZOG_OBJECT_WINDOW 0x0000000002000000ul
#define ZOG_OBJECT_MAX 4
#define ZOG_OBJECT_BYTES_MAX 0x100000
#define ZOG_MODULE_BASE 0x0000580000000000ul /* boot module (read-only blob) for the domain whose manifest names it */
#define ZOG_TXN_BASE 0x0000000078000000ul    /* struct zog_txn, RW- */
#define ZOG_DMA_BASE 0x0000680000000000ul    /* DMA memory, physically contiguous, RW- */
#define ZOG_MMIO_BASE 0x0000700000000000ul   /* device windows */
#define ZOG_MMIO_STRIDE 0x0000000010000000ul
#define ZOG_STREAM_BASE 0x0000780000000000ul /* streams: the own pages RW-, the peer's of the same stream R-- */
#define ZOG_STREAM_STRIDE 0x0000000000400000ul
#define ZOG_STREAM_PEER_OFFSET 0x0000000000200000ul /* from the own pages to the peer's */
#define ZOG_STREAM_MAX 8
#define ZOG_STREAM_PAGES_MAX 512
#define ZOG_USER_END 0x00007ffffffff000ul

/* What DOMAIN says to PEER on CPU: requests to the domains that it calls, replies to those that call it. Only the two
 * have it mapped, and only DOMAIN can write it; the reader copies once, checks the copy, then uses the copy. */
#define ZOG_MESSAGE(domain, peer, cpu) \
	(ZOG_MESSAGE_BASE + \
	 (((unsigned long)(domain) * ZOG_DOMAIN_MAX + (unsigned long)(peer)) * ZOG_CPU_MAX + (unsigned long)(cpu)) * ZOG_MESSAGE_SIZE)
#define ZOG_MESSAGES_OF_PAIR (ZOG_CPU_MAX * ZOG_MESSAGE_SIZE)
#define ZOG_MESSAGES_OF_DOMAIN (ZOG_DOMAIN_MAX * ZOG_MESSAGES_OF_PAIR) /* 2 MiB: a page table for each domain that one hears */

#endif
