/* A good source. */
static const struct { unsigned domain, percent; } shares[] = SHARES;
static void give(void) { rt_stage(ZOG_OP_FRAME_GRANT, 0, *(uint64_t *)rt_home(), 1, shares[0].domain, 0, 0); }
