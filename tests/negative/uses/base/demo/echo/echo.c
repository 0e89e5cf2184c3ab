/* A good source. */
zog_status_t domain_activity(struct zog_call *call)
{
	struct home *home = rt_home();
	rt_port_read(CAP_PORTS_PANEL, 0x300, 1, &home->value);
	rt_notify(EVENT_READY, 0);
	return rt_wait(call, EVENT_LINE, home->seen, RT_NO_DEADLINE);
}
