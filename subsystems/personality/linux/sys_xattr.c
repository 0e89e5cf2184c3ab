/* Extended attributes: no file system here keeps any, which is what EOPNOTSUPP says (xattr(7)). */
#include "linux.h"

static int64_t xattr_none(struct zog_call *call, const uint64_t arg[6])
{
	(void)call, (void)arg;
	return -EOPNOTSUPP;
}

#define XATTR_CALL(name) \
	int64_t sys_##name(struct zog_call *call, const uint64_t arg[6]); \
	int64_t sys_##name(struct zog_call *call, const uint64_t arg[6]) { return xattr_none(call, arg); }

XATTR_CALL(setxattr)
XATTR_CALL(lsetxattr)
XATTR_CALL(fsetxattr)
XATTR_CALL(getxattr)
XATTR_CALL(lgetxattr)
XATTR_CALL(fgetxattr)
XATTR_CALL(listxattr)
XATTR_CALL(llistxattr)
XATTR_CALL(flistxattr)
XATTR_CALL(removexattr)
XATTR_CALL(lremovexattr)
XATTR_CALL(fremovexattr)
