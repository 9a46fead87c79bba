// Stops a compilation for a system that annulus does not support, with one error that says so.
//
// macOS and the BSDs have no lock of an open file (OFD). A lock of fcntl() there belongs to the
// process and goes when it closes *any* descriptor of the file, so a free lock attests no death; a
// role that is robbed while it lives loses messages. So they are refused, not half supported.
#pragma once

#if !defined(__linux__) && !defined(_WIN32)
// Only a missing file ends a compilation at once: after #error hundreds of errors would follow.
#include "annulus is not supported on this system, only on Linux and Windows: see README.md"
#endif
