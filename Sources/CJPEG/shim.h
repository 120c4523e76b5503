#ifndef VQDIFFUSION_CJPEG_SHIM_H
#define VQDIFFUSION_CJPEG_SHIM_H

// libjpeg-turbo's own interface, which returns errors where libjpeg's jumps over its caller.
#include <turbojpeg.h>

#endif
