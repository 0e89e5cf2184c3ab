/* A good source. */
static void attach(struct home *home)
{
	rt_assert(home == rt_home());
	rt_port_write(CAP_PORTS_CONFIG, 0xcf8, 4, 0);
	rt_stage(ZOG_OP_DEVICE_ATTACH, CAP_BUS, 1, 0, 0, 0, 0);
}
