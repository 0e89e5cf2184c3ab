#include "home.h"
int missing_semicolon
struct other { int x; };
