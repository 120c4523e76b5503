#ifndef VQDIFFUSION_CBLAS_SHIM_H
#define VQDIFFUSION_CBLAS_SHIM_H

#include <cblas.h>
#include <lapacke.h>

#endif
