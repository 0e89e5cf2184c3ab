//! @NAME@: counts its beats, and goes on counting after a fault.
//!
//! Protocol: the core issues the activity again and again; each turn adds a beat and waits. All that must survive is in
//! Home, and changes with the commit of the reply: a turn that is killed at any instruction never was.
//! Module variables are scratch: they begin anew at every start.
const c = @cImport({
    @cInclude("domain.h");
@contract     @cInclude("contracts/@CLASS@_server.h");
    @cInclude("rt/rt.h");
    @cInclude("tally.h");
});

const beat_ns = 50000000;

const Home = extern struct {
    tally: c.struct_tally,
};
comptime {
    if (@sizeOf(Home) > c.HOME_BYTES) @compileError("home_kib in manifest.toml");
}

fn home() *Home {
    return @ptrCast(@alignCast(c.rt_home()));
}

/// The first start and the one after a fault are the same: the home region is empty, or as it was committed.
export fn domain_start(call: *c.struct_zog_call) c.zog_status_t {
    _ = call;
    const h = home();
    if (!c.tally_is_sound(&h.tally))
        c.rt_fail(c.ZOG_CAUSE_ASSERT, 0, 0);
    c.rt_log(c.RT_INFO, "start %u at beat %lu", c.rt_self()[0].start_count, h.tally.count);
    return c.ZOG_OK;
}

export fn domain_activity(call: *c.struct_zog_call) c.zog_status_t {
    const h = home();
    c.tally_add(&h.tally);
    c.rt_log(c.RT_INFO, "beat %lu sum %lu", h.tally.count, h.tally.sum);
    return c.rt_wait(call, c.EVENT_NEVER, c.rt_event_count(c.EVENT_NEVER), c.rt_now_ns() + beat_ns);
}
@contract
@contract export fn @CLASS@_beats_serve(call: *c.struct_zog_call, count: *u64) c.zog_status_t {
@contract     _ = call;
@contract     count.* = home().tally.count;
@contract     return c.ZOG_OK;
@contract }
