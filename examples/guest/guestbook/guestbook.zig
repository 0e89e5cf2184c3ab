//! A domain in Zig: the book that guests sign.
//!
//! The headers are those of C, read by the compiler (@cImport): the runtime, and what tools/zidl.py makes of the contracts. The build
//! turns this file into C, which gcc compiles with the store hook as every domain's (Makefile): so a store into the home
//! region is committed, rolled back and checked here as there, and nothing is to be called for it.
//! Ordering: a line is written before it is counted; both are committed with the reply, or neither.
const c = @cImport({
    @cInclude("domain.h");
    @cInclude("rt/rt.h");
    @cInclude("contracts/guest_server.h");
    @cInclude("contracts/clock_client.h");
});

const line_max = 256;
const words_max = 60;

const Line = extern struct { guest: u16, length: u16, words: [words_max]u8 };

/// What survives. At the first start it is all zeros.
const Home = extern struct {
    once: c.struct_rt_once_table,
    opened_ns: u64,
    count: u32,
    reserved: u32,
    line: [line_max]Line,
};
comptime {
    if (@sizeOf(Home) > c.HOME_BYTES) @compileError("the home region of the manifest is too small");
}

fn home() *Home {
    return @ptrCast(@alignCast(c.rt_home()));
}

/// Kept replies of sign.
export fn rt_once_table() *c.struct_rt_once_table {
    return &home().once;
}

/// Start is recovery: what was committed is there. A clock that cannot answer now is asked at the next start.
export fn domain_start(call: *c.struct_zog_call) c.zog_status_t {
    _ = call;
    const h = home();
    var epoch: u64 = 0;
    if (h.opened_ns == 0 and c.clock_epoch(&epoch) == c.ZOG_OK)
        h.opened_ns = epoch;
    c.rt_log(c.RT_INFO, "start, %u lines", h.count);
    return c.ZOG_OK;
}

/// Who holds which pen: scratch, as module variables are. It is gone after a restart, and filled again as the clients' stubs take
/// their pens anew; the generated code lets nobody sign before.
var holder: [c.ZOG_DOMAIN_MAX][c.GUEST_PEN_LIMIT]u16 = undefined;

export fn guest_take_serve(call: *c.struct_zog_call, pen: u32, guest: u16) c.zog_status_t {
    holder[call.client_domain][pen] = guest;
    return c.ZOG_OK;
}

export fn guest_put_back_serve(call: *c.struct_zog_call, pen: u32) c.zog_status_t {
    _ = .{ call, pen };
    return c.ZOG_OK;
}

export fn guest_sign_serve(call: *c.struct_zog_call, pen: u32, words: [*]const u8, length: usize, number: *u32) c.zog_status_t {
    const h = home();
    if (h.count >= line_max) return c.ZOG_ERR_LIMIT;
    const line = &h.line[h.count];
    line.guest = holder[call.client_domain][pen];
    line.length = @intCast(length);
    @memcpy(line.words[0..length], words[0..length]);
    h.count += 1;
    number.* = h.count;
    return c.ZOG_OK;
}

export fn guest_read_serve(call: *c.struct_zog_call, first: u32, lines: *c.struct_rt_list, total: *u32, opened_ns: *u64) c.zog_status_t {
    _ = call;
    const h = home();
    var at = first - 1;
    while (at < h.count) : (at += 1) {
        const line = &h.line[at];
        const entry = c.struct_guest_line{ .number = at + 1, .guest = line.guest, .words = &line.words, .words_length = line.length };
        if (c.guest_line_append(lines, &entry) != c.ZOG_OK) break; // full: the rest is for the next call
    }
    total.* = h.count;
    opened_ns.* = h.opened_ns;
    return c.ZOG_OK;
}
